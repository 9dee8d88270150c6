"""Chapter 1: one connection, one loop."""

import logging
from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

PAGE = Path(__file__).with_name("page.html")

app = FastAPI(title="Chapter 1: echo")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
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
    except WebSocketDisconnect:
        pass  # the client left while we were sending


@app.websocket("/ws/raw")
async def echo_raw(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            # An empty text is still a text: ask which key is set, not its truth.
            if message.get("text") is not None:
                await websocket.send_text(message["text"])
            else:
                await websocket.send_bytes(message["bytes"])
    except WebSocketDisconnect:
        pass  # as above


def in_one_line(record: logging.LogRecord) -> bool:
    # Any client can send a text that is not UTF-8. uvicorn closes with 1007 by
    # itself; the traceback it logs would look like a mistake of ours.
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.exc_info = None
    return True


logging.getLogger("uvicorn.error").addFilter(in_one_line)
