# Provokes: never sees sockets
# Misconception: M37
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.middleware("http")
async def check_ticket(
    request: Request, go_on: Callable[[Request], Awaitable[Response]]
) -> Response:
    if request.url.path == "/ws" and request.cookies.get("ticket") != TICKET:
        return Response("no ticket", 403)
    return await go_on(request)


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
