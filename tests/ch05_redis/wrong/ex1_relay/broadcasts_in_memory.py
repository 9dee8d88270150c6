# Provokes: in the order of Redis
# In one process, such as that of a TestClient, nobody sees the difference.
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket


class Memory:
    def __init__(self) -> None:
        self.inboxes: set[asyncio.Queue[tuple[str, str]]] = set()

    async def publish(self, sender: str, text: str) -> None:
        for inbox in self.inboxes:
            inbox.put_nowait((sender, text))

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
        inbox: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.inboxes.add(inbox)
        try:
            yield inbox
        finally:
            self.inboxes.remove(inbox)


backend = Memory()
app = FastAPI()


async def deliver(
    websocket: WebSocket, me: str, inbox: asyncio.Queue[tuple[str, str]]
) -> None:
    while True:
        sender, text = await inbox.get()
        if sender != me:
            await websocket.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    async with backend.subscribe() as inbox, asyncio.TaskGroup() as tasks:
        delivery = tasks.create_task(deliver(websocket, me, inbox))
        async for text in websocket.iter_text():
            await backend.publish(me, text)
        delivery.cancel()
