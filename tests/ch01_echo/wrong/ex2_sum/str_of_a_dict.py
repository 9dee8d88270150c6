# Provokes: Python spells a dict so
# Misconception: M46
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        data = json.loads(text)
        await websocket.send_text(str({"sum": data["a"] + data["b"]}))
