# Provokes: 0 is a number like the others
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, 0, -1):
        await websocket.send_text(str(number))
        await asyncio.sleep(STEP)


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
