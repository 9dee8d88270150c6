# Provokes: No key here is `a` or `b`
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


def total(text: str) -> float:
    numbers = json.loads(text.lower())
    a, b = numbers["a"], numbers["b"]
    if not {type(a), type(b)} <= {int, float}:
        raise TypeError("not two numbers")
    return a + b


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            answer = json.dumps({"sum": total(text)}, allow_nan=False)
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = '{"error": "two numbers, please"}'
        await websocket.send_text(answer)
