# Provokes: Two tasks receive
# Misconception: M28
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def send_ticks(websocket: WebSocket) -> None:
    paused = False
    while True:
        try:
            text = await asyncio.wait_for(websocket.receive_text(), STEP)
            paused = text == "pause"
        except TimeoutError:
            if not paused:
                await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket))
        async for text in websocket.iter_text():
            await websocket.send_text(text)
        ticking.cancel()
