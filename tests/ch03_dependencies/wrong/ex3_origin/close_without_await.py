# Provokes: close() was called without await
# Misconception: M42
from fastapi import FastAPI, WebSocket

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    scheme = websocket.scope["scheme"].replace("ws", "http")
    own = f"{scheme}://{websocket.headers['host']}"
    if origin not in {None, own, *ALLOWED}:
        websocket.close(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
