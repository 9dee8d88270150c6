import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[int, WebSocket] = {}


async def send(websocket: WebSocket, text: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(text)


async def tell(me: int, text: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        for key, person in people.items():
            if key != me:
                tasks.create_task(send(person, text))


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    me = id(websocket)
    people[me] = websocket
    await tell(me, f"{username} joined")
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            break
        await tell(me, f"{username}: {message['text']}")
    del people[me]
    await tell(me, f"{username} left")
