import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


async def send(person: WebSocket, text: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await person.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            async with asyncio.TaskGroup() as sends:
                for person in people - {websocket}:
                    sends.create_task(send(person, text))
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
