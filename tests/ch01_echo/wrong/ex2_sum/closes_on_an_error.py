# Provokes: The conversation goes on.
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
        except json.JSONDecodeError:
            await websocket.send_json({"error": "this is not JSON"})
            await websocket.close(1003)
            return
