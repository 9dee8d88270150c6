# Provokes: What is left of those before
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"
used: set[str] = set()

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket") != TICKET or TICKET in used:
        raise WebSocketException(1008)
    used.add(TICKET)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
