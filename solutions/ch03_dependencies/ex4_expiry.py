"""Exercise 3.4: expiry.

The page brings a session of ten seconds, or of two: `/?seconds=2`. Echo while it lasts,
then close with 4401, be the client silent or not. Let in who comes too late, and close
with 4401: no page can read a 403. If a client leaves, its tasks end, without an error.

Try it:   python3 learn.py run 3.4
Check it: python3 learn.py check 3.4
"""

import asyncio
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException
from fastapi.responses import FileResponse

PAGE = "chapters/ch03_dependencies/page.html"
ENDS: dict[str, float] = {}  # of each session, by the clock of the event loop
app = FastAPI(title="Exercise 3.4: expiry")


@app.get("/")
async def page(seconds: float = 10) -> FileResponse:
    session = secrets.token_urlsafe()
    ENDS[session] = asyncio.get_running_loop().time() + seconds
    return FileResponse(PAGE, headers={"Set-Cookie": f"session={session}; HttpOnly"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    try:
        async with asyncio.timeout_at(ENDS[session]):  # no message puts it off
            async for text in websocket.iter_text():
                await websocket.send_text(text)
    except TimeoutError:
        await websocket.close(4401)
