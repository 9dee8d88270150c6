# Provokes: Its scheme is another
# Misconception: M05
from urllib.parse import urlsplit

from fastapi import FastAPI, WebSocket, WebSocketException

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    own = websocket.headers["host"]
    if origin and origin not in ALLOWED and urlsplit(origin).netloc != own:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
