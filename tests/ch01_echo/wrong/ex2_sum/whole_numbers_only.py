# Provokes: Numbers need not be whole
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
            a, b = numbers["a"], numbers["b"]
        except (ValueError, KeyError, TypeError):
            a = b = None
        if type(a) is int and type(b) is int:
            await websocket.send_json({"sum": a + b})
        else:
            await websocket.send_json({"error": "two numbers, please"})
