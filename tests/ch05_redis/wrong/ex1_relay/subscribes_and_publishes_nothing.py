# Provokes: Nothing is published at Redis
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
people: dict[str, WebSocket] = {}


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
        await pubsub.subscribe(chat=tell_others)
        await pubsub.get_message(timeout=None)
        listening = tasks.create_task(pubsub.run())
        yield
        listening.cancel()


app = FastAPI(lifespan=lifespan)


async def tell_others(message: dict[str, bytes]) -> None:
    sender, _, text = message["data"].decode().partition(" ")
    sends = [one.send_text(text) for who, one in people.items() if who != sender]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    people[me] = websocket
    async for text in websocket.iter_text():
        print(f"{me} {text}")
    del people[me]
