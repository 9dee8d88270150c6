# Provokes: under another name
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if not any(
        name.lower() == "ticket" and value == TICKET
        for name, value in websocket.cookies.items()
    ):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
