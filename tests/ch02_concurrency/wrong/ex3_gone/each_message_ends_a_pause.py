# Provokes: What she says cuts a pause short
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
            try:
                async with asyncio.timeout(STEP):
                    await websocket.receive()
            except TimeoutError:
                pass
    except (WebSocketDisconnect, RuntimeError):
        pass
