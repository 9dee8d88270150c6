import asyncio
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, Response, WebSocket, WebSocketException
from starlette.websockets import WebSocketDisconnected

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


async def send_back(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        try:
            await websocket.send_text(text)
        except WebSocketDisconnected:
            return  # closed by the other task, while this one had a text in hand


@app.websocket("/ws")
async def echo(websocket: WebSocket, session: Annotated[str, Cookie()] = "") -> None:
    if session not in ENDS:
        raise WebSocketException(1008)
    await websocket.accept()
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(close_in_time(websocket, ENDS[session]))
        await send_back(websocket)
        watch.cancel()
