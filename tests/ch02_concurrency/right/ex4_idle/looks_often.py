import asyncio
import time

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    spoke = time.monotonic()

    async def watch() -> None:
        left = IDLE
        while left > 0:
            await asyncio.sleep(min(left, 0.05))
            left = spoke + IDLE - time.monotonic()
        await websocket.close(4000, "idle")

    watching = asyncio.create_task(watch())
    try:
        async for text in websocket.iter_text():
            spoke = time.monotonic()
            await websocket.send_text(text)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
