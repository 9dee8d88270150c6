import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
inboxes: dict[asyncio.Task[None], asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


async def relay(websocket: WebSocket, mine: asyncio.Task[None]) -> None:
    async for text in websocket.iter_text():
        for delivery, inbox in list(inboxes.items()):
            if delivery is mine:
                continue
            if inbox.full():
                del inboxes[delivery]
                delivery.cancel()
            else:
                inbox.put_nowait(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox: asyncio.Queue[str] = asyncio.Queue(INBOX)
    delivery = asyncio.create_task(deliver(websocket, inbox))
    inboxes[delivery] = inbox
    relaying = asyncio.create_task(relay(websocket, delivery))
    both = [delivery, relaying]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        inboxes.pop(delivery, None)
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
