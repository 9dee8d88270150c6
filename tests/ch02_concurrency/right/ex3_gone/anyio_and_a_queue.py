from itertools import count

import anyio
from fastapi import FastAPI, WebSocket

STEP = 5.0
app = FastAPI()


class Feed:
    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.news, self.inbox = anyio.create_memory_object_stream[str](1)

    async def gather_news(self) -> None:
        async with self.news:
            for number in count(1):
                await self.news.send(f"news {number}")
                await anyio.sleep(STEP)

    async def send_news(self) -> None:
        async with self.inbox:
            async for one in self.inbox:
                await self.websocket.send_text(one)

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.gather_news)
            tasks.start_soon(self.send_news)
            while (await self.websocket.receive())["type"] == "websocket.receive":
                continue
            tasks.cancel_scope.cancel()


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    await Feed(websocket).run()
