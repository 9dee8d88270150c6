# Provokes: A cancelled task begins anew
# Misconception: M20
import asyncio
import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
app = FastAPI()


async def say(websocket: WebSocket, me: str) -> None:
    await redis.publish("chat", f"{me} {await websocket.receive_text()}")


async def hear(websocket: WebSocket, me: str, pubsub: PubSub) -> None:
    message = await pubsub.get_message(timeout=None)
    sender, _, text = message["data"].partition(" ")
    if sender != me:
        await websocket.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    me = os.urandom(8).hex()
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe("chat")
        await pubsub.get_message(timeout=None)
        await websocket.accept()
        try:
            while True:
                saying = asyncio.create_task(say(websocket, me))
                hearing = asyncio.create_task(hear(websocket, me, pubsub))
                done, pending = await asyncio.wait(
                    {saying, hearing}, return_when=asyncio.FIRST_COMPLETED
                )
                for task in pending:
                    task.cancel()
                for task in done:
                    task.result()
        except WebSocketDisconnect:
            pass
