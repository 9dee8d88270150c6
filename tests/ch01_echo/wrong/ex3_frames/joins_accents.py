# Provokes: an accent that follows its letter
from unicodedata import normalize

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
        length = len(data if text is None else normalize("NFC", text))
        await websocket.send_text(str(length))
