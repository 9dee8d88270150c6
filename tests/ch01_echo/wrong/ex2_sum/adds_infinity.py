# Provokes: Python reads and writes Infinity
import json
from math import isnan

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        answer: dict[str, object] = {"error": "two numbers, please"}
        try:
            numbers = json.loads(text)
            a, b = numbers["a"], numbers["b"]
            if {type(a), type(b)} <= {int, float} and not isnan(a + b):
                answer = {"sum": a + b}
        except (ValueError, KeyError, TypeError):
            pass
        await websocket.send_json(answer)
