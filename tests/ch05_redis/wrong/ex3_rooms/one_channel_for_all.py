# Provokes: a channel each
# Nothing crosses, and each process hears, and throws away, what is said elsewhere.
import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
people: dict[WebSocket, str] = {}


async def tell(message: dict[str, str]) -> None:
    room, text = json.loads(message["data"])
    sends = [one.send_text(text) for one, where in people.items() if where == room]
    await asyncio.gather(*sends, return_exceptions=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
        await pubsub.subscribe(rooms=tell)
        await pubsub.get_message(timeout=None)
        listening = tasks.create_task(pubsub.run())
        yield
        listening.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    people[websocket] = room
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish("rooms", json.dumps([room, text]))
    del people[websocket]
