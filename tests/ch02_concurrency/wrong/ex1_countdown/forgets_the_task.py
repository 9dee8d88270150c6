# Provokes: A task goes on when its handler has returned
# Misconception: M24
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, -1, -1):
        await websocket.send_text(str(number))
        await asyncio.sleep(STEP)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    asyncio.create_task(count_down(websocket))  # noqa: RUF006
    async for text in websocket.iter_text():
        await websocket.send_text(text)
