"""A chat through Redis, with one subscription a process, for the engine's tests."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
CHANNEL = "chat"

redis = Redis.from_url(REDIS_URL, decode_responses=True)
people: set[WebSocket] = set()


async def deliver(ready: asyncio.Event) -> None:
    """Hand on what comes, and subscribe again when Redis has gone."""
    while True:
        with suppress(RedisError):
            async with redis.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                while True:
                    news = await subscription.get_message(timeout=1)
                    if news is not None and news["type"] == "subscribe":
                        ready.set()
                    elif news is not None:
                        for websocket in [*people]:
                            await websocket.send_text(news["data"])
        await asyncio.sleep(0.05)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(deliver(ready))
        await ready.wait()
        yield
        listener.cancel()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        async for text in websocket.iter_text():
            if text == "crash":
                raise ValueError("as I was told")
            if text == "exit":
                os._exit(7)
            try:
                await redis.publish(CHANNEL, text)
            except RedisError:
                await websocket.send_json({"error": "not published"})
    finally:
        people.discard(websocket)
