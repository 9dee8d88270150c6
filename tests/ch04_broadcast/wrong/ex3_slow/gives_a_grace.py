# Provokes: It is to end when there is too much
# Misconception: M32
import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket

INBOX = 100
GRACE = 2.0
app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}
stays: dict[WebSocket, asyncio.Timeout] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.Queue()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as stays[websocket]:
            async for text in websocket.iter_text():
                for other in stays.keys() - {websocket}:
                    if inboxes[other].qsize() == INBOX:
                        now = asyncio.get_running_loop().time()
                        stays[other].reschedule(now + GRACE)
                    inboxes[other].put_nowait(text)
    del stays[websocket], inboxes[websocket]
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
