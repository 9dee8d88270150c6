# Provokes: Who waits for the confirmation?
# As broadcaster 0.3 does: who comes first subscribes, and then begins the room.
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
pubsub = redis.pubsub()
rooms: dict[str, dict[str, WebSocket]] = {}
listening: list[asyncio.Task[None]] = []
app = FastAPI()


async def tell_others(message: dict[str, str]) -> None:
    sender, _, text = message["data"].partition(" ")
    others = [one for who, one in rooms["chat"].items() if who != sender]
    sends = [one.send_text(text) for one in others]
    await asyncio.gather(*sends, return_exceptions=True)


async def join(me: str, websocket: WebSocket) -> None:
    if "chat" not in rooms:
        await pubsub.subscribe(chat=tell_others)
        rooms["chat"] = {}
    rooms["chat"][me] = websocket
    if not listening:
        listening.append(asyncio.create_task(pubsub.run()))


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    me = os.urandom(8).hex()
    await join(me, websocket)
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish("chat", f"{me} {text}")
    rooms["chat"].pop(me, None)
