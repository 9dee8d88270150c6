"""Chapter 5: one message to many, in every process.

New since chapter 4: a channel at Redis, by which each process hears what all say.
"""

import asyncio
import json
import logging
import os
from contextlib import suppress
from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

from .channel import Channel, NotPublished, Said
from .room import Member, Room, TooSlow

PAGE = Path(__file__).with_name("page.html")
REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379"
GOODBYE = 10.0  # seconds that the last word to a client may take

room = Room()
channel = Channel(REDIS_URL, "chat")


async def hear(said: Said) -> None:
    await room.settle()
    room.broadcast(said.text, sender=said.sender)


app = FastAPI(title="Chapter 5: redis", lifespan=lambda _: channel.open(hear))


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.get("/health")
async def health() -> dict[str, object]:
    # Without Redis this process still holds its sockets: no reason to end it.
    return {"process": os.getpid(), "members": len(room), **channel.health}


async def relay(websocket: WebSocket, username: str, member: Member) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await say_goodbye(websocket, 1003, "this socket takes text only")
            return
        said = json.dumps({"username": username, "message": text})
        try:
            await channel.publish(member.id, said)
        except NotPublished as why:
            with suppress(WebSocketDisconnect, RuntimeError):  # it has left
                await websocket.send_json({"error": f"{why}: {text[:80]}"})


async def deliver(websocket: WebSocket, member: Member) -> None:
    # Who cannot be sent to has left: relay() is still to pass on what it said before.
    # RuntimeError: uvicorn has given it up, for it answers no pings, say.
    with suppress(WebSocketDisconnect, RuntimeError):
        await member.deliver(websocket.send_text)


async def say_goodbye(websocket: WebSocket, code: int, reason: str) -> None:
    # It may be gone, or given up, or not read: then there is nobody to tell.
    with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(GOODBYE):
            await websocket.close(code, reason)


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
    except TooSlow:
        # Out of the room, it costs nobody anything while it is told.
        await say_goodbye(websocket, 1013, "too slow: too much waits for you")


def in_one_line(record: logging.LogRecord) -> bool:
    # Any client can send a text that is not UTF-8. uvicorn closes with 1007 by
    # itself; the traceback it logs would look like a mistake of ours.
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.exc_info = None
    return True


logging.getLogger("uvicorn.error").addFilter(in_one_line)
