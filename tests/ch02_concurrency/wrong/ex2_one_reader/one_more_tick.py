# Provokes: not even one that was under way
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def send_ticks(websocket: WebSocket, running: asyncio.Event) -> None:
    while True:
        await running.wait()
        await asyncio.sleep(STEP)
        await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    running = asyncio.Event()
    running.set()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket, running))
        async for text in websocket.iter_text():
            if text == "pause":
                running.clear()
            elif text == "resume":
                running.set()
            else:
                await websocket.send_text(text)
        ticking.cancel()
