# Provokes: Who only sends is not told
# Misconception: M06
import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 5.0
app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        for number in count(1):
            await websocket.send_text(f"news {number}")
            await asyncio.sleep(STEP)
    except WebSocketDisconnect:
        pass
