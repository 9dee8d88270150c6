# Provokes: The same site is not the same origin
# Misconception: M05
from fastapi import FastAPI, WebSocket, WebSocketException

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    own = f"http://{websocket.headers['host']}"
    site = websocket.headers.get("sec-fetch-site")
    if origin not in {None, own, *ALLOWED} and site != "same-site":
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
