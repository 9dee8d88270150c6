# Provokes: The whole server stood still
# Misconception: M23
import asyncio
import time

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


class Switch:
    paused = False


async def send_ticks(websocket: WebSocket, switch: Switch) -> None:
    while True:
        await asyncio.sleep(STEP)
        while switch.paused:
            time.sleep(STEP)  # noqa: ASYNC251
        await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    switch = Switch()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket, switch))
        async for text in websocket.iter_text():
            if text in ("pause", "resume"):
                switch.paused = text == "pause"
            else:
                await websocket.send_text(text)
        ticking.cancel()
