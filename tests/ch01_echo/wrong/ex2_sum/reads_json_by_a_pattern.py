# Provokes: Keys in another order, other blanks
import json
import re

from fastapi import FastAPI, WebSocket

app = FastAPI()


def total(text: str) -> float:
    found = re.fullmatch(r'\{"a": (.+), "b": (.+)\}', text)
    if found is None:
        raise ValueError("two numbers, please")
    return float(found[1]) + float(found[2])


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            answer = json.dumps({"sum": total(text)}, allow_nan=False)
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = '{"error": "two numbers, please"}'
        await websocket.send_text(answer)
