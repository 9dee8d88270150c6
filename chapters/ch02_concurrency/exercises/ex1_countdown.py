"""Exercise 2.1: countdown.

Count down from 5 to 0, one number every STEP seconds, the first at once. Echo every
text, at once and in order, while you count and after it: the numbers come on time
however much the client talks, and the echo waits for no number. When the client
leaves, the handler ends, without an error. Every task that it has started has ended
before it does: cancel() alone does not end one.

Try it:   python3 learn.py run 2.1
Check it: python3 learn.py check 2.1
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

STEP = 1.0  # seconds; the check makes it shorter
app = FastAPI(title="Exercise 2.1: countdown")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch02_concurrency/page.html")


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, -1, -1):
        await websocket.send_text(str(number))
        await asyncio.sleep(STEP)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    # TODO: whoever talks during the countdown hears nothing until it is over.
    await count_down(websocket)
    async for text in websocket.iter_text():
        await websocket.send_text(text)
