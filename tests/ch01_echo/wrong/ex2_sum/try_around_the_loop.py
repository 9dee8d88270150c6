# Provokes: Your handler ended
# Misconception: M41
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async for text in websocket.iter_text():
            numbers = json.loads(text)
            await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
    except (ValueError, KeyError, TypeError) as error:
        await websocket.send_json({"error": repr(error)})
