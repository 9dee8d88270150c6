import asyncio
import os
from dataclasses import dataclass, field

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

redis = Redis.from_url(os.environ["REDIS_URL"])
app = FastAPI()


@dataclass
class Room:
    channel: str
    inboxes: list[asyncio.Queue[str]] = field(default_factory=list)
    ready: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        pubsub = redis.pubsub()
        try:
            await pubsub.subscribe(**{self.channel: self.put})
            await pubsub.get_message(timeout=None)
            self.ready.set_result(None)
            await pubsub.run(poll_timeout=10)
        finally:
            await pubsub.aclose()

    def put(self, message: dict[str, bytes]) -> None:
        for inbox in self.inboxes:
            inbox.put_nowait(message["data"].decode())


rooms: dict[str, Room] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket, room: str = "lobby") -> None:
    here = rooms.setdefault(room, Room(f"chat:{room}"))
    here.task = here.task or asyncio.create_task(here.run())
    inbox: asyncio.Queue[str] = asyncio.Queue()
    here.inboxes.append(inbox)
    try:
        await here.ready
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(deliver(websocket, inbox))
            while True:
                text = await websocket.receive_text()
                await redis.publish(here.channel, text)
    except* WebSocketDisconnect:
        pass
    finally:
        here.inboxes.remove(inbox)
        if not here.inboxes:
            del rooms[room]
            here.task.cancel()
