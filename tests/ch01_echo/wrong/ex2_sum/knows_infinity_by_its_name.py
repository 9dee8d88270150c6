# Provokes: To Python 1e999 is Infinity
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


def refuse(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text, parse_constant=refuse)
            a, b = numbers["a"], numbers["b"]
            if not {type(a), type(b)} <= {int, float}:
                raise TypeError("not two numbers")
        except (ValueError, KeyError, TypeError):
            await websocket.send_json({"error": "two numbers, please"})
        else:
            await websocket.send_json({"sum": a + b})
