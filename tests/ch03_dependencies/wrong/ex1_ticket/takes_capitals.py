# Provokes: this one capitals
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket", "").lower() != TICKET:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
