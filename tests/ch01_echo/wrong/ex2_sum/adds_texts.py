# Provokes: In quotation marks these are texts
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
            answer = {"sum": numbers["a"] + numbers["b"]}
        except (ValueError, KeyError, TypeError):
            answer = {"error": "two numbers, please"}
        await websocket.send_json(answer)
