# Provokes: One subscribes, for all
# Misconception: M54
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
app = FastAPI()


async def hear(websocket: WebSocket, room: str, there: asyncio.Event) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(room)
        await pubsub.get_message(timeout=None)
        there.set()
        async for message in pubsub.listen():
            await websocket.send_text(message["data"])


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    there = asyncio.Event()
    hearing = asyncio.create_task(hear(websocket, room, there))
    await there.wait()
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish(room, text)
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
