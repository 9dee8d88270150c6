# Provokes: Its scheme is another
# Misconception: M05
from fastapi import FastAPI, WebSocket, WebSocketException

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    sites = {websocket.headers["host"], "chat.example", "localhost:3000"}
    if origin and not origin.endswith(tuple(sites)):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
