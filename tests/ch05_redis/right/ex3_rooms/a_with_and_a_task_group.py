import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
queues: dict[str, dict[WebSocket, asyncio.Queue[str]]] = {}
listeners: dict[str, asyncio.Task[None]] = {}
locks: dict[str, asyncio.Lock] = {}


async def listen(room: str, opened: asyncio.Future[None]) -> None:
    pubsub = redis.pubsub(ignore_subscribe_messages=False)
    await pubsub.subscribe(f"room:{room}")
    try:
        async for message in pubsub.listen():
            if message["type"] == "subscribe":
                opened.set_result(None)
            else:
                for queue in queues[room].values():
                    queue.put_nowait(message["data"])
    finally:
        await pubsub.unsubscribe()
        await pubsub.aclose()


@asynccontextmanager
async def membership(
    room: str, websocket: WebSocket
) -> AsyncIterator[asyncio.Queue[str]]:
    lock = locks.setdefault(room, asyncio.Lock())
    queue = asyncio.Queue[str]()
    async with lock:
        people = queues.setdefault(room, {})
        if not people:
            opened = asyncio.get_running_loop().create_future()
            listeners[room] = asyncio.create_task(listen(room, opened))
            await opened
        people[websocket] = queue
    try:
        yield queue
    finally:
        async with lock:
            del people[websocket]
            if not people:
                listener = listeners.pop(room)
                listener.cancel()
                await asyncio.wait([listener])


async def send_all(websocket: WebSocket, queue: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await queue.get())


async def receive_all(websocket: WebSocket, room: str) -> None:
    while True:
        await redis.publish(f"room:{room}", await websocket.receive_text())


app = FastAPI()


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    async with membership(room, websocket) as queue:
        await websocket.accept()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(send_all(websocket, queue))
                tasks.create_task(receive_all(websocket, room))
        except* (WebSocketDisconnect, KeyError):
            pass
