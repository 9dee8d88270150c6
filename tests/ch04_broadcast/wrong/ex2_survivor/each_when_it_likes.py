# Provokes: once and in order
import asyncio
from contextlib import suppress
from random import random

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()
sends: set[asyncio.Task[None]] = set()


async def send_later(person: WebSocket, text: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await asyncio.sleep(random() / 50)
        await person.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    with suppress(RuntimeError):
        async for text in websocket.iter_text():
            for person in people - {websocket}:
                task = asyncio.create_task(send_later(person, text))
                sends.add(task)
                task.add_done_callback(sends.discard)
    people.remove(websocket)
