from contextlib import suppress

from anyio import (
    WouldBlock,
    create_memory_object_stream,
    create_task_group,
    move_on_after,
)
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

INBOX = 100
app = FastAPI()
room: dict[TaskGroup, MemoryObjectSendStream[str]] = {}


async def deliver(websocket: WebSocket, inbox: MemoryObjectReceiveStream[str]) -> None:
    try:
        async for text in inbox:
            await websocket.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        pass


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    give, take = create_memory_object_stream[str](INBOX)
    with give, take:
        async with create_task_group() as me:
            room[me] = give
            me.start_soon(deliver, websocket, take)
            async for text in websocket.iter_text():
                for other in room.keys() - {me}:
                    try:
                        room[other].send_nowait(text)
                    except WouldBlock:
                        del room[other]
                        other.cancel_scope.cancel()
            me.cancel_scope.cancel()
    if room.pop(me, None) is None:
        with move_on_after(0.5):
            with suppress(WebSocketDisconnect, RuntimeError):
                await websocket.close(1013, "too slow")
