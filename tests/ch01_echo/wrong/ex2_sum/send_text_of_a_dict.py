# Provokes: for a dict use send_json
# Misconception: M46
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            data = json.loads(text)
            await websocket.send_text({"sum": data["a"] + data["b"]})
        except (ValueError, KeyError, TypeError):
            await websocket.send_text({"error": "no two numbers"})
