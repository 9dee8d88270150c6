# Provokes: Only one subscribes, for all
# Misconception: M54
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
people: dict[str, WebSocket] = {}
listening: set[asyncio.Task[None]] = set()
app = FastAPI()


async def listen(pubsub: PubSub) -> None:
    async for message in pubsub.listen():
        sender, _, text = message["data"].partition(" ")
        sends = [one.send_text(text) for who, one in people.items() if who != sender]
        await asyncio.gather(*sends, return_exceptions=True)


async def subscribe() -> None:
    if not listening:
        pubsub = redis.pubsub()
        await pubsub.subscribe("chat")
        await pubsub.get_message(timeout=None)
        listening.add(asyncio.create_task(listen(pubsub)))


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await subscribe()
    me = os.urandom(8).hex()
    people[me] = websocket
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish("chat", f"{me} {text}")
    del people[me]
