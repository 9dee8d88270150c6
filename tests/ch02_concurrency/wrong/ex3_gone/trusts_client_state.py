# Provokes: That state only changes when somebody receives
# Misconception: M50
import asyncio
from time import monotonic

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketState

STEP = 5.0
app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    number, due = 0, 0.0
    while websocket.client_state == WebSocketState.CONNECTED:
        if monotonic() >= due:
            number, due = number + 1, monotonic() + STEP
            await websocket.send_text(f"news {number}")
        await asyncio.sleep(0.01)
