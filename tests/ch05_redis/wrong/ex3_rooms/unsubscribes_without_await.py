# Provokes: unsubscribe() was called without await
# Misconception: M42
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
people: dict[str, set[WebSocket]] = {}
pubsubs: dict[str, PubSub] = {}
ready: dict[str, asyncio.Event] = {}
app = FastAPI()


async def hear(room: str) -> None:
    async for message in pubsubs[room].listen():
        if message["type"] == "subscribe":
            ready[room].set()
        elif message["type"] == "message":
            sends = [one.send_text(message["data"]) for one in people[room]]
            await asyncio.gather(*sends, return_exceptions=True)


async def join(room: str, websocket: WebSocket) -> None:
    if people.setdefault(room, set()):
        people[room].add(websocket)
    else:
        people[room].add(websocket)
        ready[room] = asyncio.Event()
        pubsubs[room] = redis.pubsub()
        await pubsubs[room].subscribe(room)
        hearing.append(asyncio.create_task(hear(room)))
    await ready[room].wait()


hearing: list[asyncio.Task[None]] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    await join(room, websocket)
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish(room, text)
    people[room].discard(websocket)
    if not people[room]:
        pubsubs[room].unsubscribe(room)
