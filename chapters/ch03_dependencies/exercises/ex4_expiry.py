"""Exercise 3.4: expiry.

`POST /login?seconds=10` opens a session that lasts so long. Echo while it does. When
it ends close with 4401, at once, whether the client is silent or never stops talking.
Who comes too late is let in and closed with 4401: a page can read that, not a 403.

Try it:   python3 learn.py run 3.4
Check it: python3 learn.py check 3.4
"""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException
from fastapi.responses import FileResponse, RedirectResponse

PAGE = Path("chapters/ch03_dependencies/page.html")
ENDS: dict[str, float] = {}  # of each session, by the clock of the event loop

app = FastAPI(title="Exercise 3.4: expiry")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.post("/login")
async def log_in(seconds: float = 10) -> RedirectResponse:
    session = secrets.token_urlsafe()
    ENDS[session] = asyncio.get_running_loop().time() + seconds
    return RedirectResponse("/", 303, {"Set-Cookie": f"session={session}; HttpOnly"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    # TODO: this asks once. A session also ends while its client is connected.
    if ENDS[session] <= asyncio.get_running_loop().time():
        await websocket.close(4401, "the session has ended")
        return
    async for text in websocket.iter_text():
        await websocket.send_text(text)
