# Provokes: The first piece of news comes at once
import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 5.0
app = FastAPI()


async def send_news(websocket: WebSocket) -> None:
    for number in count(1):
        await asyncio.sleep(STEP)
        await websocket.send_text(f"news {number}")


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send_news(websocket))

            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass
            sending.cancel()
    except* WebSocketDisconnect:
        pass
