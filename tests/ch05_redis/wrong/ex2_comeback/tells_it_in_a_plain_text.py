# Provokes: as a JSON object
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
redis = Redis.from_url(URL, protocol=2, socket_timeout=1, decode_responses=True)
people: set[WebSocket] = set()


async def hear() -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("chat")
        async for message in pubsub.listen():
            sends = [one.send_text(message["data"]) for one in people]
            await asyncio.gather(*sends, return_exceptions=True)


async def keep_hearing() -> None:
    while True:
        with suppress(RedisError, OSError):
            await hear()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(keep_hearing())
        yield
        hearing.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        try:
            await redis.publish("chat", text)
        except RedisError as error:
            await websocket.send_text(f"Not published: {error}")
    people.discard(websocket)
