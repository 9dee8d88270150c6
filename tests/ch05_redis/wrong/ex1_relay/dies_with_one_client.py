# Provokes: and a task raised WebSocketDisconnect
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio.client import PubSub, Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
people: dict[str, WebSocket] = {}


async def tell_others(sender: str, text: str) -> None:
    for who, websocket in [*people.items()]:
        if who != sender:
            await websocket.send_text(text)


async def listen(pubsub: PubSub) -> None:
    async for message in pubsub.listen():
        sender, _, text = message["data"].partition(" ")
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
        await redis.publish("chat", f"{me} {text}")
