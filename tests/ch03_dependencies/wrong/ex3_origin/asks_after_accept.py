# Provokes: shown the door
# Misconception: M34
from fastapi import FastAPI, WebSocket

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    origin = websocket.headers.get("origin")
    scheme = websocket.scope["scheme"].replace("ws", "http")
    own = f"{scheme}://{websocket.headers['host']}"
    if origin not in {None, own, *ALLOWED}:
        await websocket.close(1008)
        return
    async for text in websocket.iter_text():
        await websocket.send_text(text)
