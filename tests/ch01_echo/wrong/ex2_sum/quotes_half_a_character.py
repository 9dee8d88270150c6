# Provokes: half a character
# Misconception: M26
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = json.loads(text)
            a, b = numbers["a"], numbers["b"]
        except (ValueError, KeyError, TypeError):
            await websocket.send_json({"error": "no a and b in your text"})
            continue
        if {type(a), type(b)} <= {int, float}:
            await websocket.send_json({"sum": a + b})
        else:
            await websocket.send_json({"error": f"no numbers: {a}, {b}"})
