# Provokes: Blanks and line ends are characters too.
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
        length = sum(map(str.isprintable, text)) if data is None else len(data)
        await websocket.send_text(str(length))
