# Provokes: this text to bo is lost
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}
handlers: dict[WebSocket, asyncio.Task[None] | None] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.Queue()
    handlers[websocket] = asyncio.current_task()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    try:
        async for text in websocket.iter_text():
            for other in list(inboxes):
                if other is websocket:
                    continue
                if inboxes[other].qsize() >= INBOX:
                    del inboxes[other]
                    if task := handlers[other]:
                        task.cancel()
                    break
                inboxes[other].put_nowait(text)
    except asyncio.CancelledError:
        pass
    inboxes.pop(websocket, None)
    handlers.pop(websocket, None)
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
