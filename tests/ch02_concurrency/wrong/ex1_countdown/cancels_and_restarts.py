# Provokes: A cancelled task begins anew
# Misconception: M20
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


async def next_number(websocket: WebSocket, number: int) -> None:
    await asyncio.sleep(STEP)
    await websocket.send_text(str(number))


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("5")
    number = 4
    try:
        while True:
            reading = asyncio.create_task(websocket.receive_text())
            racing: set[asyncio.Task] = {reading}
            if number >= 0:
                racing.add(asyncio.create_task(next_number(websocket, number)))
            done, pending = await asyncio.wait(
                racing, return_when=asyncio.FIRST_COMPLETED
            )
            for task in pending:
                task.cancel()
            if reading in done:
                await websocket.send_text(reading.result())
            else:
                number -= 1
    except WebSocketDisconnect:
        pass
