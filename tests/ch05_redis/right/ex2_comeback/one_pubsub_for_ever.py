import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis import RedisError
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=1)
people: set[WebSocket] = set()


async def listen() -> None:
    pubsub = redis.pubsub()
    pause = 0.1
    while True:
        try:
            # The same object: redis-py subscribes again when it has reconnected.
            if not pubsub.subscribed:
                await pubsub.subscribe("news")
            message = await pubsub.get_message(timeout=None)
            pause = 0.1
        except (RedisError, OSError):
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1)
            continue
        if message is not None and message["type"] == "message":
            for one in [*people]:
                try:
                    await one.send_text(message["data"].decode())
                except Exception:
                    people.discard(one)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    task = asyncio.create_task(listen())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        async for text in websocket.iter_text():
            try:
                await redis.publish("news", text)
            except (RedisError, OSError):
                await websocket.send_json({"error": "Redis is away"})
    finally:
        people.discard(websocket)
