import asyncio
import secrets
from collections.abc import Awaitable
from typing import Annotated

from fastapi import Cookie, Depends, FastAPI, HTTPException, Response, WebSocket

ENDS: dict[str, float] = {}
app = FastAPI()


class Over(Exception):
    """One of the two has come to its end."""


def now() -> float:
    return asyncio.get_running_loop().time()


@app.get("/")
async def page(seconds: float = 10) -> Response:
    session = secrets.token_hex()
    ENDS[session] = now() + seconds
    response = Response("welcome")
    response.set_cookie("session", session, httponly=True)
    return response


async def known(session: Annotated[str | None, Cookie()] = None) -> float:
    if session is None or session not in ENDS:
        raise HTTPException(403)
    return ENDS[session]


async def send_back(websocket: WebSocket) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        await websocket.send_text(message["text"])


async def then(work: Awaitable[None], last: str) -> None:
    await work
    raise Over(last)


@app.websocket("/ws")
async def echo(websocket: WebSocket, end: Annotated[float, Depends(known)]) -> None:
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(then(asyncio.sleep(end - now()), "expired"))
            tasks.create_task(then(send_back(websocket), "left"))
    except* Over as over:
        if str(over.exceptions[0]) == "expired":
            await websocket.close(4401)
