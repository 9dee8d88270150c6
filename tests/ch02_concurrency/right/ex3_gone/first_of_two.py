import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket

STEP = 5.0
app = FastAPI()


async def send_news(websocket: WebSocket) -> None:
    for number in count(1):
        await websocket.send_text(f"news {number}")
        await asyncio.sleep(STEP)


async def wait_for_the_end(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    tasks = {
        asyncio.create_task(send_news(websocket)),
        asyncio.create_task(wait_for_the_end(websocket)),
    }
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
