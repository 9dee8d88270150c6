# Provokes: Who awaits it, and learns of it?
# Misconception: M24
import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            others = people - {websocket}
            sends = [asyncio.create_task(other.send_text(text)) for other in others]
            with suppress(WebSocketDisconnect, RuntimeError):
                for send in sends:
                    await send
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
