"""Exercise 3.1: ticket.

Let in who shows a ticket, a cookie named `ticket` that holds `TICKET`, and echo.
Refuse everyone else before accept(): the handshake gets HTTP 403 for an answer. A
ticket in the address does not count, because addresses end up in logs.

Try it:   python3 learn.py run 3.1
Check it: python3 learn.py check 3.1
"""

import secrets
from pathlib import Path
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch03_dependencies/page.html")
TICKET = "row-7-seat-12"

app = FastAPI(title="Exercise 3.1: ticket")


@app.get("/")
async def page() -> FileResponse:
    # The page hands out the ticket. Delete it in the browser's tools, and reconnect.
    return FileResponse(PAGE, headers={"Set-Cookie": f"ticket={TICKET}; HttpOnly"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, ticket: Annotated[str, Cookie()] = "") -> None:
    # Takes as long for a near miss as for a far one; of a str it takes only ASCII.
    if not secrets.compare_digest(ticket.encode(), TICKET.encode()):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
