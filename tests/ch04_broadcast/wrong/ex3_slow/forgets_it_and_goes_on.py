# Provokes: Let it go
# Misconception: M32
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.Queue(INBOX)
    delivery = asyncio.create_task(deliver(websocket, inbox))
    async for text in websocket.iter_text():
        for other in inboxes.keys() - {websocket}:
            if inboxes[other].full():
                del inboxes[other]
            else:
                inboxes[other].put_nowait(text)
    inboxes.pop(websocket, None)
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
