# Provokes: These bytes could be a text
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
        try:
            length = len(data.decode() if text is None else text)
        except UnicodeDecodeError:
            length = len(data)
        await websocket.send_text(str(length))
