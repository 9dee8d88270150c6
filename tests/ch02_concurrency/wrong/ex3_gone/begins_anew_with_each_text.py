# Provokes: Does a text begin the pause anew?
import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket

STEP = 5.0
app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    for number in count(1):
        await websocket.send_text(f"news {number}")
        try:
            while True:
                message = await asyncio.wait_for(websocket.receive(), STEP)
                if message["type"] == "websocket.disconnect":
                    return
        except TimeoutError:
            pass
