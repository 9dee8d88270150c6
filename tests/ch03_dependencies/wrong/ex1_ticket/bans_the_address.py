# Provokes: What is left of those before
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"
banned: set[str] = set()

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    host = websocket.client.host if websocket.client else ""
    if websocket.cookies.get("ticket") != TICKET or host in banned:
        banned.add(host)
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
