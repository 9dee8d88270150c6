"""Exercise 2.3: gone.

A feed: send `news 1`, `news 2`, ... the first at once, then one every STEP seconds.
Whatever the client says, in texts or in bytes, is read, not answered, and changes
nothing. When it leaves, with a goodbye or without, the handler ends within 0.5 s,
without an error. Every task that it has started has ended before it does: cancel()
alone does not end one.

Try it:   python3 learn.py run 2.3
Check it: python3 learn.py check 2.3
"""

import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

STEP = 5.0  # seconds; the check changes it
app = FastAPI(title="Exercise 2.3: gone")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch02_concurrency/page.html")


async def send_news(websocket: WebSocket) -> None:
    for number in count(1):
        await websocket.send_text(f"news {number}")
        await asyncio.sleep(STEP)


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    # TODO: who only sends does not learn that the client has left.
    await send_news(websocket)
