"""Chapter 5: one message to many, in every process.

New since chapter 4: a channel. What one says goes to Redis, and comes back to each
process, which delivers it to its own room. channel.py speaks with Redis.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse
from starlette.websockets import WebSocketDisconnected

from .channel import Channel, NotPublished
from .room import Member, Room, TooSlow

PAGE = Path(__file__).with_name("page.html")
REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379"
GOODBYE = 10.0  # seconds that the last word to somebody too slow may take
START = 2.0  # seconds that the start waits for Redis

room = Room()
channel = Channel(REDIS_URL, "chat")


async def listen() -> None:
    async for said in channel.messages():
        await room.settle()
        room.broadcast(said.text, sender=said.sender)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen())
        # Confirmed before anybody is served: so nobody misses what is said first.
        with suppress(TimeoutError):
            async with asyncio.timeout(START):
                await channel.up.wait()
        yield
        listening.cancel()
    await channel.close()


app = FastAPI(title="Chapter 5: redis", lifespan=lifespan)


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.get("/health")
async def health() -> dict[str, object]:
    # Without Redis this process still holds its sockets: no reason to end it.
    redis = "up" if channel.up.is_set() else "away"
    return {"redis": redis, "lost": channel.lost, "members": len(room)}


async def relay(websocket: WebSocket, username: str, member: Member) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await websocket.close(1003, "this socket takes text only")
            return
        said = json.dumps({"username": username, "message": text})
        try:
            await channel.publish(member.id, said)
        except NotPublished as why:
            await websocket.send_json({"error": f"{why}. Not passed on: {text[:80]}"})


async def deliver(websocket: WebSocket, member: Member) -> None:
    try:
        await member.deliver(websocket.send_text)
    except (WebSocketDisconnect, WebSocketDisconnected):
        pass  # it has left; relay() still passes on what it said before
    except RuntimeError:
        member.let_go()  # uvicorn has given it up: it does not answer pings


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    try:
        # In the room before it is told so: whoever has been accepted hears all.
        async with room.join() as member:
            await websocket.accept()
            async with asyncio.TaskGroup() as tasks:
                delivery = tasks.create_task(deliver(websocket, member))
                await relay(websocket, username, member)
                delivery.cancel()
    except* WebSocketDisconnect:
        pass  # it left while it was told why it should
    except* TooSlow:
        # It has left the room, and costs nobody anything while it is told.
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(GOODBYE):
                await websocket.close(1013, "too slow: too much waits for you")


def in_one_line(record: logging.LogRecord) -> bool:
    # Any client can send a text that is not UTF-8. uvicorn closes with 1007 by
    # itself; the traceback it logs would look like a mistake of ours.
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.exc_info = None
    return True


logging.getLogger("uvicorn.error").addFilter(in_one_line)
