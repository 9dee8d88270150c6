# Provokes: What do the two share?
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
length = 0


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    global length
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        length = len(message["bytes"] if text is None else text)
        await asyncio.sleep(0)
        await websocket.send_text(str(length))
