# Provokes: Nothing may stand between a text and its echo
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def send_ticks(websocket: WebSocket) -> None:
    while True:
        await asyncio.sleep(STEP)
        await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket))
        async for text in websocket.iter_text():
            if text == "pause":
                ticking.cancel()
            elif text == "resume":
                ticking.cancel()
                ticking = tasks.create_task(send_ticks(websocket))
            else:
                await asyncio.sleep(STEP / 2)
                await websocket.send_text(text)
        ticking.cancel()
