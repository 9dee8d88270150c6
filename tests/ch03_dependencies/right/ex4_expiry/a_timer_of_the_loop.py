import asyncio
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, Response, WebSocket, WebSocketException

ENDS: dict[str, float] = {}

app = FastAPI()


@app.get("/")
async def page(seconds: float = 10) -> Response:
    session = secrets.token_urlsafe()
    ENDS[session] = asyncio.get_running_loop().time() + seconds
    return Response(headers={"Set-Cookie": f"session={session}; HttpOnly"})


async def send_back(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    talk = asyncio.create_task(send_back(websocket))
    timer = asyncio.get_running_loop().call_at(ENDS[session], talk.cancel)
    try:
        await talk
    except asyncio.CancelledError:
        await websocket.close(4401)
    timer.cancel()
