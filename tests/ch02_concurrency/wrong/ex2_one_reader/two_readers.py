# Provokes: Two tasks receive
# Misconception: M28
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def send_ticks(websocket: WebSocket, running: asyncio.Event) -> None:
    while True:
        await asyncio.sleep(STEP)
        await running.wait()
        await websocket.send_text("tick")


async def obey(websocket: WebSocket, running: asyncio.Event) -> None:
    async for text in websocket.iter_text():
        if text == "pause":
            running.clear()
        elif text == "resume":
            running.set()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    running = asyncio.Event()
    running.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send_ticks(websocket, running))
        tasks.create_task(obey(websocket, running))
        async for text in websocket.iter_text():
            await websocket.send_text(text)
