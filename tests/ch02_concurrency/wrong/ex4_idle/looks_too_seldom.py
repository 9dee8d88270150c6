# Provokes: When do you look, and when again
import asyncio
from time import monotonic

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    last = monotonic()

    async def watch() -> None:
        while True:
            await asyncio.sleep(IDLE)
            if monotonic() - last >= IDLE:
                await websocket.close(4000, "idle")
                return

    watching = asyncio.create_task(watch())
    async for text in websocket.iter_text():
        last = monotonic()
        await websocket.send_text(text)
    watching.cancel()
    await asyncio.wait([watching])
