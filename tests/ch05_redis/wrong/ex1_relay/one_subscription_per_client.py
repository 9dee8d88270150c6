# Provokes: One each will do
# Misconception: M29
import asyncio
import json
import os
from uuid import uuid4

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"])
app = FastAPI()


async def deliver(websocket: WebSocket, me: str, there: asyncio.Event) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        async for message in pubsub.listen():
            there.set()
            if message["type"] == "message":
                sender, text = json.loads(message["data"])
                if sender != me:
                    await websocket.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    me = uuid4().hex
    there = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(deliver(websocket, me, there))
        await there.wait()
        await websocket.accept()
        async for text in websocket.iter_text():
            await redis.publish("chat", json.dumps([me, text]))
        delivery.cancel()
