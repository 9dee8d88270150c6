import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio.client import PubSub, Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
people: dict[str, WebSocket] = {}


async def tell_others(sender: str, text: str) -> None:
    sends = [one.send_text(text) for who, one in people.items() if who != sender]
    await asyncio.gather(*sends, return_exceptions=True)


async def listen(pubsub: PubSub) -> None:
    while True:
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.3)
        if message is not None:
            sender, text = message["data"].split(" ", 1)
            await tell_others(sender, text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pubsub = redis.pubsub()
    await pubsub.subscribe("chat")
    while await pubsub.get_message(timeout=5) is None:
        pass
    listening = asyncio.create_task(listen(pubsub))
    yield
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await pubsub.aclose()
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = str(id(websocket)) + os.urandom(4).hex()
    people[me] = websocket
    try:
        async for text in websocket.iter_text():
            await redis.publish("chat", me + " " + text)
    finally:
        people.pop(me)
