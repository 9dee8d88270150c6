# Provokes: One malformed message ended everything
# Misconception: M26
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
            await websocket.send_json({"error": "this is not JSON"})
            continue
        await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
