# Provokes: Host says what the page calls it
from fastapi import FastAPI, WebSocket, WebSocketException

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    host, port = websocket.scope["server"]
    if origin not in {None, f"http://{host}:{port}", *ALLOWED}:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
