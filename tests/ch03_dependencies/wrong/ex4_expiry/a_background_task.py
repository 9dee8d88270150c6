# Provokes: a socket has none
# Misconception: M52
import asyncio
import secrets
from typing import Annotated

from fastapi import (
    BackgroundTasks,
    Cookie,
    FastAPI,
    Response,
    WebSocket,
    WebSocketException,
)

ENDS: dict[str, float] = {}

app = FastAPI()


@app.get("/")
async def page(seconds: float = 10) -> Response:
    session = secrets.token_urlsafe()
    ENDS[session] = asyncio.get_running_loop().time() + seconds
    return Response(headers={"Set-Cookie": f"session={session}; HttpOnly"})


async def close_in_time(websocket: WebSocket, end: float) -> None:
    await asyncio.sleep(end - asyncio.get_running_loop().time())
    await websocket.close(4401)


@app.websocket("/ws")
async def echo(
    websocket: WebSocket, tasks: BackgroundTasks, session: Annotated[str, Cookie()] = ""
) -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    if ENDS[session] <= asyncio.get_running_loop().time():
        await websocket.close(4401)
        return
    tasks.add_task(close_in_time, websocket, ENDS[session])
    async for text in websocket.iter_text():
        await websocket.send_text(text)
