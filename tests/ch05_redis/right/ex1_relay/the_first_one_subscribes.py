import asyncio
import os
import secrets
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis


class Channel:
    """Subscribes when it is first needed, once; whoever comes meanwhile waits."""

    def __init__(self) -> None:
        self.redis = Redis.from_url(os.environ["REDIS_URL"])
        self.pubsub = self.redis.pubsub()
        self.people: list[tuple[str, WebSocket]] = []
        self.lock = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        async with self.lock:
            if self.task is None:
                await self.pubsub.subscribe(**{"a channel": self.hear})
                await self.pubsub.get_message(timeout=None)
                self.task = asyncio.create_task(self.pubsub.run())

    async def hear(self, message: dict[str, bytes]) -> None:
        sender, text = message["data"][:8], message["data"][8:]
        for person in [*self.people]:
            if person[0] != sender.decode():
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person[1].send_text(text.decode())


app = FastAPI()
channel = Channel()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await channel.open()
    person = secrets.token_hex(4), websocket
    channel.people.append(person)
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            await channel.redis.publish("a channel", person[0] + text)
    except WebSocketDisconnect:
        channel.people.remove(person)
