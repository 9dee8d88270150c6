# Provokes: the server stood still
# Misconception: M23
import asyncio
import os

import redis
from fastapi import FastAPI, WebSocket

client = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
app = FastAPI()


async def deliver(websocket: WebSocket, me: str) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe("chat")
    for message in pubsub.listen():
        if message["type"] == "message":
            sender, _, text = message["data"].partition(" ")
            if sender != me:
                await websocket.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    delivery = asyncio.create_task(deliver(websocket, me))
    async for text in websocket.iter_text():
        client.publish("chat", f"{me} {text}")
    delivery.cancel()
