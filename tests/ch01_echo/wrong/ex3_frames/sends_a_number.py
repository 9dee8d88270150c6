# Provokes: send_text takes a str
# Misconception: M46
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message["text"] if "text" in message else message["bytes"]
        await websocket.send_text(len(data))
