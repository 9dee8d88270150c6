# Provokes: Who waits for the confirmation?
import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
people: dict[str, WebSocket] = {}


async def tell_others(sender: str, text: str) -> None:
    sends = [one.send_text(text) for who, one in people.items() if who != sender]
    await asyncio.gather(*sends, return_exceptions=True)  # some may have gone


async def hear(pubsub: PubSub) -> None:
    async for message in pubsub.listen():
        if message["type"] == "message":
            said = json.loads(message["data"])
            await tell_others(said["sender"], said["text"])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        task = asyncio.create_task(hear(pubsub))
        yield
        task.cancel()


app = FastAPI(title="Exercise 5.1: relay", lifespan=lifespan)
app.add_api_route("/", lambda: FileResponse("chapters/ch05_redis/page.html"))


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    people[me] = websocket
    try:
        async for text in websocket.iter_text():
            await redis.publish("chat", json.dumps({"sender": me, "text": text}))
    finally:
        del people[me]
