# Provokes: The first number comes at once
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, -1, -1):
        await asyncio.sleep(STEP)
        await websocket.send_text(str(number))


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as tasks:
            counting = tasks.create_task(count_down(websocket))
            async for text in websocket.iter_text():
                await websocket.send_text(text)
            counting.cancel()
    except* WebSocketDisconnect:
        pass
