"""Chapter 2: two tasks, one connection.

New since chapter 1: a clock that ticks on time, however much the client talks.
"""

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse
from starlette.websockets import WebSocketDisconnected

PAGE = Path(__file__).with_name("page.html")
TIME_INTERVAL = 10.0  # seconds

app = FastAPI(title="Chapter 2: concurrency")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


async def echo_messages(websocket: WebSocket) -> None:
    while True:
        # receive() and not receive_text(): that one raises KeyError on a
        # binary frame, so any client could end this loop with a traceback.
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text is None:
            await websocket.close(1003, "this socket takes text only")
            return
        await websocket.send_text(f"Message text was: {text}")


async def send_time(websocket: WebSocket) -> None:
    loop = asyncio.get_running_loop()
    tick = loop.time()
    while True:
        # From tick to tick, not from now: else each sending makes the clock late.
        tick += TIME_INTERVAL
        await asyncio.sleep(tick - loop.time())
        await websocket.send_text(f"It is: {datetime.now(UTC).isoformat()}")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as tasks:
            clock = tasks.create_task(send_time(websocket))
            await echo_messages(websocket)
            clock.cancel()  # or the group would wait for it for ever
    # A group raises a group. Two tasks send: the first to find the client gone gets
    # WebSocketDisconnect, one that comes later WebSocketDisconnected.
    except* (WebSocketDisconnect, WebSocketDisconnected):
        pass


def in_one_line(record: logging.LogRecord) -> bool:
    # Any client can send a text that is not UTF-8. uvicorn closes with 1007 by
    # itself; the traceback it logs would look like a mistake of ours.
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.exc_info = None
    return True


logging.getLogger("uvicorn.error").addFilter(in_one_line)
