# Provokes: The server reads no more
# Misconception: M22
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
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(send_news(websocket))
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            await asyncio.sleep(STEP)
        sending.cancel()
