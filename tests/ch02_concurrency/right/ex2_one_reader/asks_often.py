import asyncio
from typing import Any

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    loop = asyncio.get_running_loop()
    state: dict[str, Any] = {"paused": False}

    async def tick() -> None:
        last = loop.time()
        while True:
            await asyncio.sleep(min(STEP, 0.02))
            if state["paused"]:
                last = loop.time()
            elif loop.time() - last >= STEP:
                last += STEP
                await websocket.send_text("tick")

    ticking = asyncio.create_task(tick())
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            if message["text"] in ("pause", "resume"):
                state["paused"] = message["text"] == "pause"
            else:
                await websocket.send_text(message["text"])
    finally:
        ticking.cancel()
        await asyncio.wait({ticking})
