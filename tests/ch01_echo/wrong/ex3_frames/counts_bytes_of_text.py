# Provokes: These are bytes
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is None:
            data = message["text"].encode()
        await websocket.send_text(str(len(data)))
