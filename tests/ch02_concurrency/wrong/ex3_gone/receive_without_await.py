# Provokes: receive() was called without await
# Misconception: M42
import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket

STEP = 5.0
app = FastAPI()


async def send_news(websocket: WebSocket) -> None:
    for number in count(1):
        await websocket.send_text(f"news {number}")
        await asyncio.sleep(STEP)


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    sending = asyncio.create_task(send_news(websocket))
    try:
        while True:
            message = websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
    finally:
        sending.cancel()
