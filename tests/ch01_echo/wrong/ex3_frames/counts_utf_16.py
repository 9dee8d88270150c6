# Provokes: UTF-16 has two units
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text, data = message.get("text"), message.get("bytes")
        length = len(data) if text is None else len(text.encode("utf-16-le")) // 2
        await websocket.send_text(str(length))
