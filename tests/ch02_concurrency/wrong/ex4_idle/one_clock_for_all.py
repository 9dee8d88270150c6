# Provokes: Whose silence do you look at?
import asyncio
import time

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()
last_seen = 0.0


async def watch(websocket: WebSocket) -> None:
    left = IDLE
    while left > 0:
        await asyncio.sleep(left)
        left = last_seen + IDLE - time.monotonic()
    await websocket.close(4000, "idle")


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    global last_seen
    await websocket.accept()
    last_seen = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch(websocket))
        async for text in websocket.iter_text():
            last_seen = time.monotonic()
            await websocket.send_text(text)
        watching.cancel()
