# Provokes: It cancels nobody
# Misconception: M36
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, -1, -1):
        await websocket.send_text(str(number))
        await asyncio.sleep(STEP)


async def echo(websocket: WebSocket) -> None:
    while True:
        await websocket.send_text(await websocket.receive_text())


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        await asyncio.gather(count_down(websocket), echo(websocket))
    except WebSocketDisconnect:
        return
