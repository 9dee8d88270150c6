# Provokes: ended the handler of who spoke
# Misconception: M01
import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


async def send(person: WebSocket, text: str) -> None:
    with suppress(WebSocketDisconnect):
        await person.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            await asyncio.gather(*(send(p, text) for p in people - {websocket}))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        people.remove(websocket)
