# Provokes: Python reads and writes NaN
import json

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
            if type(a) in (int, float) and type(b) in (int, float):
                answer = {"sum": a + b}
        except (ValueError, KeyError, TypeError):
            pass
        await websocket.send_json(answer)
