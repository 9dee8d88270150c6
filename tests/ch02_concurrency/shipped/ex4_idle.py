"""Exercise 2.4: idle.

Echo every text. A client that has said nothing for IDLE seconds, since it came or
since its last text, is closed with code 4000 and the reason `idle`; one that talks
stays for as long as it talks. Whether it is closed or leaves by itself, the handler
ends then, without an error. Every task that it has started has ended before it does:
cancel() alone does not end one.

Try it:   python3 learn.py run 2.4
Check it: python3 learn.py check 2.4
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

IDLE = 10.0  # seconds; the check makes it shorter
app = FastAPI(title="Exercise 2.4: idle")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch02_concurrency/page.html")


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        # TODO: this closes after IDLE seconds, also who is talking.
        async with asyncio.timeout(IDLE):
            async for text in websocket.iter_text():
                await websocket.send_text(text)
    except TimeoutError:
        await websocket.close(4000, "idle")
