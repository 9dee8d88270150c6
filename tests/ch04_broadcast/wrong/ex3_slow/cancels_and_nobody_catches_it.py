# Provokes: Somebody cancelled this handler
# Misconception: M24
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
inboxes: dict[asyncio.Task[None], asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = asyncio.current_task()
    inbox = inboxes[me] = asyncio.Queue()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    try:
        async for text in websocket.iter_text():
            for other in list(inboxes):
                if other is me:
                    continue
                if inboxes[other].qsize() >= INBOX:
                    del inboxes[other]
                    other.cancel()
                else:
                    inboxes[other].put_nowait(text)
    finally:
        inboxes.pop(me, None)
        delivery.cancel()
