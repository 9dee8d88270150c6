# Provokes: and nobody listens to room:red
# The channel that is published to has another name than the one that is heard.
import asyncio
import os

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

URL = os.environ["REDIS_URL"]
redis = Redis.from_url(URL, decode_responses=True)
app = FastAPI(title="Exercise 5.3: rooms")


class Room:
    def __init__(self, name: str) -> None:
        self.people: set[WebSocket] = set()
        self.confirmed = asyncio.Event()
        self.hearing = asyncio.create_task(self.hear(name))

    async def hear(self, name: str) -> None:
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(name)
            async for message in pubsub.listen():
                self.confirmed.set()  # for that is what comes first
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
            await redis.publish(f"room:{room}", text)
    finally:
        # No await from here on: so nobody comes in between.
        rooms[room].people.discard(websocket)
        if not rooms[room].people:
            rooms.pop(room).hearing.cancel()
