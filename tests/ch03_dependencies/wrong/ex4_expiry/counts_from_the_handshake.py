# Provokes: Her session began with the page
import asyncio
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException
from fastapi.responses import HTMLResponse

LONG: dict[str, float] = {}
app = FastAPI()


@app.get("/")
async def page(seconds: float = 10) -> HTMLResponse:
    session = secrets.token_urlsafe()
    LONG[session] = seconds
    return HTMLResponse("", headers={"Set-Cookie": f"session={session}; HttpOnly"})


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in LONG:
        raise WebSocketException(1008)
    await websocket.accept()
    try:
        async with asyncio.timeout(LONG[session]):
            async for text in websocket.iter_text():
                await websocket.send_text(text)
    except TimeoutError:
        await websocket.close(4401)
