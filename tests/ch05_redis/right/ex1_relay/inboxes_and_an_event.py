import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
redis = Redis.from_url(REDIS_URL)
inboxes: dict[str, asyncio.Queue[str]] = {}


async def listen(confirmed: asyncio.Event) -> None:
    pubsub = redis.pubsub()
    await pubsub.subscribe("chat")
    async for message in pubsub.listen():
        match message["type"]:
            case "subscribe":
                confirmed.set()
            case "message":
                said = json.loads(message["data"])
                for who, inbox in inboxes.items():
                    if who != said["who"]:
                        inbox.put_nowait(said["text"])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    confirmed = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen(confirmed))
        await confirmed.wait()
        yield
        listening.cancel()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    me = uuid4().hex
    inboxes[me] = asyncio.Queue()
    delivery = asyncio.create_task(deliver(websocket, inboxes[me]))
    try:
        await websocket.accept()
        async for text in websocket.iter_text():
            await redis.publish("chat", json.dumps({"who": me, "text": text}))
    finally:
        del inboxes[me]
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)
