# Provokes: JSON has no single quotes
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            numbers = eval(text)
            await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
        except Exception:
            await websocket.send_json({"error": "two numbers, please"})
