"""Exercise 2.2: one reader.

Send `tick` every STEP seconds and echo every text but two: from `pause` to `resume` no
tick comes, but the echo does. A pause is one client's own. When it leaves, the handler
ends, without an error, its tasks ended before it: cancel() alone does not end one.

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
