# Provokes: Zero is a number
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
        except json.JSONDecodeError:
            numbers = {}
        if numbers.get("a") and numbers.get("b"):
            await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
        else:
            await websocket.send_json({"error": "a or b is missing"})
