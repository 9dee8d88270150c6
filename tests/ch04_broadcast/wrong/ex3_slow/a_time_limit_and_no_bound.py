# Provokes: Let it go: who ends it?
# Misconception: M32
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
PATIENCE = 30.0
app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        text = await inbox.get()
        async with asyncio.timeout(PATIENCE):
            await websocket.send_text(text)


async def relay(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        for other in inboxes.keys() - {websocket}:
            inboxes[other].put_nowait(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inboxes[websocket] = asyncio.Queue()
    tasks = [
        asyncio.create_task(deliver(websocket, inboxes[websocket])),
        asyncio.create_task(relay(websocket)),
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    del inboxes[websocket]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
