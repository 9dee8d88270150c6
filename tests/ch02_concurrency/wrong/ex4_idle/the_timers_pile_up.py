# Provokes: That is no silence
import asyncio

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


async def close_later(websocket: WebSocket) -> None:
    await asyncio.sleep(IDLE)
    await websocket.close(4000, "idle")


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    timers = [asyncio.create_task(close_later(websocket))]
    async for text in websocket.iter_text():
        timers.append(asyncio.create_task(close_later(websocket)))
        await websocket.send_text(text)
    for timer in timers:
        timer.cancel()
    await asyncio.gather(*timers, return_exceptions=True)
