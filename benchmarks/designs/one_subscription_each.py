"""A subscription for each client, in a task that lives as long as its connection."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

REDIS_URL = os.environ["REDIS_URL"]

redis = Redis.from_url(REDIS_URL)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis:
        yield


app = FastAPI(title="One subscription each", lifespan=lifespan)


async def hand_over(websocket: WebSocket, sender: str) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("chat")
        async for event in pubsub.listen():
            said = json.loads(event["data"])
            if said.pop("sender") != sender:
                await websocket.send_text(json.dumps(said))


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    sender = uuid4().hex
    try:
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(hand_over(websocket, sender))
            async for text in websocket.iter_text():
                said = {"username": username, "message": text, "sender": sender}
                await redis.publish("chat", json.dumps(said))
            delivery.cancel()
    except* WebSocketDisconnect:
        pass
