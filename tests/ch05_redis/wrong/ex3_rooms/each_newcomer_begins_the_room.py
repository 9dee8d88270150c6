# Provokes: Five came into an empty room
# Misconception: M54
# As broadcaster 0.3 does: who comes first subscribes, and then begins the room.
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
rooms: dict[str, tuple[set[WebSocket], asyncio.Task[None]]] = {}
app = FastAPI()


async def hear(room: str, confirmed: asyncio.Event) -> None:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(room)
        async for message in pubsub.listen():
            confirmed.set()
            if message["type"] == "message":
                sends = [one.send_text(message["data"]) for one in rooms[room][0]]
                await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    if room not in rooms:
        confirmed = asyncio.Event()
        hearing = asyncio.create_task(hear(room, confirmed))
        await confirmed.wait()
        rooms[room] = set(), hearing
    rooms[room][0].add(websocket)
    await websocket.accept()
    async for text in websocket.iter_text():
        await redis.publish(room, text)
    people, hearing = rooms[room]
    people.discard(websocket)
    if not people:
        del rooms[room]
        hearing.cancel()
