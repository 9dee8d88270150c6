"""Exercise 2.2: one reader.

Send `tick` every STEP seconds and echo every text but two: after `pause` no tick comes
until `resume`; all else is echoed in a pause, too. Each client pauses its own ticks.
When it leaves, the handler ends, and before it every task that it has started.

Try it:   python3 learn.py run 2.2
Check it: python3 learn.py check 2.2
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

STEP = 1.0  # seconds; the check makes it shorter
app = FastAPI(title="Exercise 2.2: one reader")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch02_concurrency/page.html")


async def send_ticks(websocket: WebSocket) -> None:
    while True:
        await asyncio.sleep(STEP)
        await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(send_ticks(websocket))
        # TODO: obey `pause` and `resume`. Which task should receive them?
        async for text in websocket.iter_text():
            await websocket.send_text(text)
        ticking.cancel()
