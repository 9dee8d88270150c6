import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.exceptions import RedisError

ANSWER = 0.7
redis = Redis.from_url(
    os.environ["REDIS_URL"],
    protocol=2,
    socket_connect_timeout=ANSWER,
    # On Python 3.11 its limit loses a cancel() that comes while a ping is sent.
    socket_timeout=None,
    decode_responses=True,
)
inboxes: set[asyncio.Queue[str]] = set()


async def subscription() -> None:
    asked = False
    async with redis.pubsub() as pubsub:
        async with asyncio.timeout(ANSWER):
            await pubsub.subscribe("chat")
        while True:
            message = await pubsub.get_message(timeout=ANSWER)
            if message is None and asked:
                raise TimeoutError("no sign of life")
            asked = message is None
            if message is None:
                await pubsub.ping()
            elif message["type"] == "message":
                for inbox in inboxes:
                    inbox.put_nowait(message["data"])


async def listen() -> None:
    while True:
        try:
            await subscription()
        except (RedisError, OSError):
            await asyncio.sleep(0.3)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen())
        yield
        listening.cancel()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    inbox: asyncio.Queue[str] = asyncio.Queue()
    await websocket.accept()
    inboxes.add(inbox)
    async with asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(deliver(websocket, inbox))
        async for text in websocket.iter_text():
            try:
                async with asyncio.timeout(1.5):
                    await redis.publish("chat", text)
            except (RedisError, OSError) as error:
                inbox.put_nowait(json.dumps({"error": repr(error)}))
        delivery.cancel()
    inboxes.discard(inbox)
