# Provokes: Who unsubscribes?
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
app = FastAPI()


class Room:
    def __init__(self, name: str) -> None:
        self.people: set[WebSocket] = set()
        self.confirmed = asyncio.Event()
        self.hearing = asyncio.create_task(self.hear(name))

    async def hear(self, name: str) -> None:
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(name)
            async for message in pubsub.listen():
                self.confirmed.set()
                if message["type"] == "message":
                    sends = [one.send_text(message["data"]) for one in self.people]
                    await asyncio.gather(*sends, return_exceptions=True)


rooms: dict[str, Room] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    if room not in rooms:
        rooms[room] = Room(room)
    rooms[room].people.add(websocket)
    try:
        await rooms[room].confirmed.wait()
        await websocket.accept()
        async for text in websocket.iter_text():
            await redis.publish(room, text)
    finally:
        rooms[room].people.discard(websocket)
