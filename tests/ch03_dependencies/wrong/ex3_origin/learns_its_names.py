# Provokes: Who still lists it?
# Misconception: M05
from fastapi import FastAPI, WebSocket, WebSocketException

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    own = f"http://{websocket.headers['host']}"
    ALLOWED.add(own)
    if origin is not None and origin not in ALLOWED:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
