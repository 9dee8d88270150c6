# Provokes: your handler ended by an error
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            print("left:", message["reason"])
            return
        text = message.get("text")
        length = len(message["bytes"] if text is None else text)
        await websocket.send_text(str(length))
