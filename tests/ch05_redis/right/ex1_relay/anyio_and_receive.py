import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import anyio
from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
sockets: dict[bytes, WebSocket] = {}
numbers = count()


async def say(websocket: WebSocket, text: str) -> None:
    try:
        with anyio.fail_after(5):
            await websocket.send({"type": "websocket.send", "text": text})
    except Exception:
        return  # it has gone, or is too slow


async def hear(redis: Redis, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("exercise")
        async for message in pubsub.listen():
            if message["type"] == "subscribe":
                task_status.started()
                continue
            sender, text = message["data"].split(b"/", 1)
            async with anyio.create_task_group() as group:
                for who, websocket in sockets.items():
                    if who != sender:
                        group.start_soon(say, websocket, text.decode())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Redis.from_url(URL) as redis, anyio.create_task_group() as group:
        app.state.redis = redis
        await group.start(hear, redis)
        yield
        group.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/")
def index() -> dict[str, int]:
    return {"sockets": len(sockets)}


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    me = b"%d-%d" % (os.getpid(), next(numbers))
    sockets[me] = websocket
    await websocket.accept()
    try:
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            said = me + b"/" + message.get("text", "").encode()
            await app.state.redis.publish("exercise", said)
    finally:
        sockets.pop(me, None)
