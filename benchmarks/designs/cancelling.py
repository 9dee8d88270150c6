"""Two tasks that race, on `broadcaster`: the design that many meet first.

Whoever is done first, the other is cancelled and both begin anew: with each text that
a client says it gives its subscription up and takes another. A client is known by its
name. On `memory://`, unless REDIS_URL names a Redis.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from broadcaster import Broadcast
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

broadcast = Broadcast(os.environ.get("REDIS_URL") or "memory://")


class Said(BaseModel):
    username: str
    message: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with broadcast:
        yield


app = FastAPI(title="Cancel and restart", lifespan=lifespan)


async def publish_once(websocket: WebSocket, username: str) -> None:
    said = Said(username=username, message=await websocket.receive_text())
    await broadcast.publish("chat", said.model_dump_json())


async def pass_on(websocket: WebSocket, username: str) -> None:
    async with broadcast.subscribe("chat") as subscriber:
        async for event in subscriber:
            said = Said.model_validate_json(event.message)
            if said.username != username:
                await websocket.send_json(said.model_dump())


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            tasks = {
                asyncio.create_task(publish_once(websocket, username)),
                asyncio.create_task(pass_on(websocket, username)),
            }
            done, pending = await asyncio.wait(
                tasks, return_when=asyncio.FIRST_COMPLETED
            )
            for task in pending:
                task.cancel()
            for task in done:
                task.result()
