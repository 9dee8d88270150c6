# Provokes: Who unsubscribes then?
import asyncio
import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
app = FastAPI()


class Room:
    def __init__(self, name: str) -> None:
        self.people: set[WebSocket] = set()
        self.ready = asyncio.Event()
        self.hearing = asyncio.create_task(self.hear(name))

    async def hear(self, name: str) -> None:
        async with redis.pubsub() as pubsub:
            await pubsub.subscribe(name)
            async for message in pubsub.listen():
                self.ready.set()
                if message["type"] == "message":
                    sends = [one.send_text(message["data"]) for one in self.people]
                    await asyncio.gather(*sends, return_exceptions=True)


rooms: dict[str, Room] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    if room not in rooms:
        rooms[room] = Room(room)
    rooms[room].people.add(websocket)
    await rooms[room].ready.wait()
    await websocket.accept()
    try:
        while True:
            await redis.publish(room, await websocket.receive_text())
    except WebSocketDisconnect:
        rooms[room].people.discard(websocket)
        if not rooms[room].people:
            rooms.pop(room).hearing.cancel()
