import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 5.0
app = FastAPI()


async def send_news(websocket: WebSocket) -> None:
    for number in count(1):
        await websocket.send_text(f"news {number}")
        await asyncio.sleep(STEP)


async def wait_for_the_end(websocket: WebSocket) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send_news(websocket))
            tasks.create_task(wait_for_the_end(websocket))
    except* WebSocketDisconnect:
        pass
