# Provokes: A task goes on when its handler has returned
# Misconception: M24
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
    timer = asyncio.create_task(close_later(websocket))
    async for text in websocket.iter_text():
        timer.cancel()
        timer = asyncio.create_task(close_later(websocket))
        await websocket.send_text(text)
