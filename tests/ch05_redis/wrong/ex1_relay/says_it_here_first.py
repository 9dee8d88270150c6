# Provokes: the order of Redis
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio.client import PubSub, Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
process = os.urandom(8).hex()
people: dict[str, WebSocket] = {}


async def tell_others(sender: str, text: str) -> None:
    sends = [one.send_text(text) for who, one in people.items() if who != sender]
    await asyncio.gather(*sends, return_exceptions=True)


async def listen(pubsub: PubSub) -> None:
    async for message in pubsub.listen():
        if message["type"] == "message":
            origin, sender, text = message["data"].split(" ", 2)
            if origin != process:  # who is here has heard it, and sooner
                await tell_others(sender, text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        await pubsub.get_message(timeout=None)
        listening = asyncio.create_task(listen(pubsub))
        yield
        listening.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    people[me] = websocket
    async for text in websocket.iter_text():
        await tell_others(me, text)
        await redis.publish("chat", f"{process} {me} {text}")
    del people[me]
