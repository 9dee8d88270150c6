# Provokes: She comes again, too late as before
# Misconception: M43
import asyncio
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException
from fastapi.responses import HTMLResponse

ENDS: dict[str, float] = {}
app = FastAPI()


@app.get("/")
async def page(seconds: float = 10) -> HTMLResponse:
    session = secrets.token_urlsafe()
    ENDS[session] = asyncio.get_running_loop().time() + seconds
    return HTMLResponse("", headers={"Set-Cookie": f"session={session}; HttpOnly"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    try:
        async with asyncio.timeout_at(ENDS[session]):
            async for text in websocket.iter_text():
                await websocket.send_text(text)
    except TimeoutError:
        ENDS.pop(session, None)
        await websocket.close(4401)
