# Provokes: Who looks while nobody talks?
from time import monotonic

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    last = monotonic()
    async for text in websocket.iter_text():
        if monotonic() - last > IDLE:
            await websocket.close(4000, "idle")
            return
        last = monotonic()
        await websocket.send_text(text)
