import asyncio
from time import monotonic

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


class Seen:
    last = 0.0


async def watch(websocket: WebSocket, seen: Seen) -> None:
    while True:
        left = seen.last + IDLE - monotonic()
        if left <= 0:
            await websocket.close(4000, "idle")
            return
        await asyncio.sleep(left)


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    seen = Seen()
    seen.last = monotonic()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch(websocket, seen))
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            seen.last = monotonic()
            await websocket.send_text(message["text"])
        watching.cancel()
