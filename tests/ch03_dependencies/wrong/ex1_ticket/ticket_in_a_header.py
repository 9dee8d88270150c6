# Provokes: A header of its own is no cookie
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if TICKET not in (
        websocket.cookies.get("ticket"),
        websocket.headers.get("ticket"),
    ):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
