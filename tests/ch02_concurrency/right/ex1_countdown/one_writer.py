import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def count_down(outbox: asyncio.Queue[str]) -> None:
    for number in range(5, -1, -1):
        outbox.put_nowait(str(number))
        await asyncio.sleep(STEP)


async def write(websocket: WebSocket, outbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await outbox.get())


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    outbox: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        both = [
            tasks.create_task(count_down(outbox)),
            tasks.create_task(write(websocket, outbox)),
        ]
        async for text in websocket.iter_text():
            outbox.put_nowait(text)
        for task in both:
            task.cancel()
