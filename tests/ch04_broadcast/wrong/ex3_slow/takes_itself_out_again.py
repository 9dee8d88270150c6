# Provokes: was it taken out before?
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}
stays: dict[WebSocket, asyncio.Timeout] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


def tell(other: WebSocket, text: str) -> None:
    if inboxes[other].qsize() < INBOX:
        inboxes[other].put_nowait(text)
    else:
        del inboxes[other]
        stays[other].reschedule(0)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.Queue()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    try:
        async with asyncio.timeout(None) as stays[websocket]:
            async for text in websocket.iter_text():
                for other in inboxes.keys() - {websocket}:
                    tell(other, text)
    except TimeoutError:
        pass
    finally:
        del inboxes[websocket]
        delivery.cancel()
