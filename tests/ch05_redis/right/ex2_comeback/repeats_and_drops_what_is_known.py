import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError

redis = Redis.from_url(os.environ["REDIS_URL"], protocol=2, socket_timeout=0.8)
people: set[WebSocket] = set()
known: dict[str, None] = {}


async def tell_all(message: dict[str, bytes]) -> None:
    number, text = json.loads(message["data"])
    if number in known:
        return
    known[number] = None
    if len(known) > 1000:
        del known[next(iter(known))]
    sends = [one.send_text(text) for one in people]
    await asyncio.gather(*sends, return_exceptions=True)


async def listen() -> None:
    while True:
        with suppress(RedisError, OSError):
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(chat=tell_all)
                await pubsub.run(poll_timeout=0.5)
        await asyncio.sleep(0.1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    listening = asyncio.create_task(listen())
    yield
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


app = FastAPI(lifespan=lifespan)


async def publish(text: str) -> bool:
    """Twice, if need be: who has heard it knows its number."""
    said = json.dumps([uuid4().hex, text])
    for _ in range(2):
        with suppress(RedisError, OSError):
            await redis.publish("chat", said)
            return True
    return False


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        if not await publish(text):
            await websocket.send_json({"error": "not published"})
    people.discard(websocket)
