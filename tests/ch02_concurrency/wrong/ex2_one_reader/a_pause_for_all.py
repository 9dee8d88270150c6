# Provokes: bo's go on
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
running = asyncio.Event()
running.set()
app = FastAPI()


async def send_ticks(websocket: WebSocket) -> None:
    while True:
        await asyncio.sleep(STEP)
        await running.wait()
        await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket))
        async for text in websocket.iter_text():
            if text == "pause":
                running.clear()
            elif text == "resume":
                running.set()
            else:
                await websocket.send_text(text)
        ticking.cancel()
