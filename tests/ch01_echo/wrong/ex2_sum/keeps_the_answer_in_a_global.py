# Provokes: What do the two share?
import asyncio
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()
answer: dict[str, object] = {}


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    global answer
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
            answer = {"sum": numbers["a"] + numbers["b"]}
        except (ValueError, KeyError, TypeError):
            answer = {"error": "two numbers, please"}
        await asyncio.sleep(0)
        await websocket.send_json(answer)
