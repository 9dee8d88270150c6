# Provokes: once and in order
import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
inboxes: dict[WebSocket, asyncio.LifoQueue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.LifoQueue[str]) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.LifoQueue()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    async for text in websocket.iter_text():
        for other in inboxes.keys() - {websocket}:
            inboxes[other].put_nowait(text)
    del inboxes[websocket]
    delivery.cancel()
