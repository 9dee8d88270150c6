"""Chapter 4 with a room for each fifty: who is user 120 is in the third of them."""

import asyncio
import json
from collections import defaultdict

from fastapi import FastAPI, WebSocket

from chapters.ch04_broadcast.app import deliver
from chapters.ch04_broadcast.room import Room

PEOPLE = 50

app = FastAPI(title="Many rooms")
rooms: defaultdict[int, Room] = defaultdict(Room)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str) -> None:
    room = rooms[int(username.removeprefix("u")) // PEOPLE]
    async with room.join() as member:
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(deliver(websocket, member))
            async for text in websocket.iter_text():
                await room.settle()
                said = json.dumps({"username": username, "message": text})
                room.broadcast(said, sender=member.id)
            delivery.cancel()
