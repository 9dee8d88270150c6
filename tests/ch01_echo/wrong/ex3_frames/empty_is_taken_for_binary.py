# Provokes: Empty is false in Python
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text"):
            await websocket.send_text(str(len(message["text"])))
        else:
            await websocket.send_text(str(len(message["bytes"])))
