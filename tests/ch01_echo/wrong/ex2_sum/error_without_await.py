# Provokes: send_json() was called without await
# Misconception: M42
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
            await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
        except (ValueError, KeyError, TypeError):
            websocket.send_json({"error": "two numbers, please"})
