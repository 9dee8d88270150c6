# Provokes: Let it go
# Misconception: M60
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
people: set[WebSocket] = set()
sends: set[asyncio.Task[None]] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        for other in people - {websocket}:
            task = asyncio.create_task(other.send_text(text))
            sends.add(task)
            task.add_done_callback(sends.discard)
    people.remove(websocket)
