# Provokes: opens to whoever else shows it
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"
inside: set[WebSocket] = set()

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket") != TICKET or inside:
        raise WebSocketException(1008)
    inside.add(websocket)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
    inside.discard(websocket)
