# Provokes: To Python True is an int
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


def is_number(value: object) -> bool:
    return isinstance(value, int | float)


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
        except json.JSONDecodeError:
            numbers = None
        match numbers:
            case {"a": a, "b": b} if is_number(a) and is_number(b):
                await websocket.send_json({"sum": a + b})
            case _:
                await websocket.send_json({"error": "two numbers, please"})
