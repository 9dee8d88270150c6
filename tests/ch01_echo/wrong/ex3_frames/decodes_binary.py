# Provokes: Count the bytes as they came
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            text = message["bytes"].decode()
        await websocket.send_text(str(len(text)))
