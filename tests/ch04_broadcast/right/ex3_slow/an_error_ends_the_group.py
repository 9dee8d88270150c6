import asyncio
from collections import deque

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

INBOX = 100


class Gone(Exception):
    pass


class Member:
    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.waiting: deque[str] = deque()
        self.news = asyncio.Event()
        self.too_slow = asyncio.Event()

    def put(self, text: str) -> None:
        if len(self.waiting) >= INBOX:
            self.too_slow.set()
        else:
            self.waiting.append(text)
            self.news.set()

    async def deliver(self) -> None:
        while True:
            await self.news.wait()
            self.news.clear()
            while self.waiting:
                await self.websocket.send_text(self.waiting.popleft())

    async def relay(self) -> None:
        async for text in self.websocket.iter_text():
            for member in room:
                if member is not self and not member.too_slow.is_set():
                    member.put(text)
        raise Gone

    async def watch(self) -> None:
        await self.too_slow.wait()
        raise Gone


app = FastAPI()
room: set[Member] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    member = Member(websocket)
    room.add(member)
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in (member.deliver, member.relay, member.watch):
                tasks.create_task(part())
    except* (Gone, WebSocketDisconnect, RuntimeError):
        pass
    finally:
        room.remove(member)
