import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


class Rooms:
    """All rooms of this process, on one connection that subscribes and unsubscribes."""

    def __init__(self) -> None:
        self.pubsub = redis.pubsub()
        self.people: dict[str, set[WebSocket]] = defaultdict(set)
        self.confirmed: dict[str, asyncio.Event] = {}
        self.lock = asyncio.Lock()
        self.some = asyncio.Event()

    async def listen(self) -> None:
        while True:
            await self.some.wait()
            async for message in self.pubsub.listen():
                channel = message["channel"]
                if message["type"] == "subscribe":
                    self.confirmed[channel].set()
                elif message["type"] == "message":
                    people = self.people.get(channel, set())
                    sends = [one.send_text(message["data"]) for one in people]
                    await asyncio.gather(*sends, return_exceptions=True)
            if not self.pubsub.subscribed:
                self.some.clear()

    @asynccontextmanager
    async def join(self, room: str, websocket: WebSocket) -> AsyncIterator[None]:
        channel = f"room {room}"
        async with self.lock:
            self.people[channel].add(websocket)
            if len(self.people[channel]) == 1:
                self.confirmed[channel] = asyncio.Event()
                await self.pubsub.subscribe(channel)
                self.some.set()
            await self.confirmed[channel].wait()
        try:
            yield
        finally:
            async with self.lock:
                self.people[channel].discard(websocket)
                if not self.people[channel]:
                    del self.people[channel]
                    await self.pubsub.unsubscribe(channel)


rooms = Rooms()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    listening = asyncio.create_task(rooms.listen())
    yield
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await rooms.pubsub.aclose()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    async with rooms.join(room, websocket):
        await websocket.accept()
        async for text in websocket.iter_text():
            await redis.publish(f"room {room}", text)
