# Provokes: Who does the waiting?
# Misconception: M32
import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        sends = [other.send_text(text) for other in people - {websocket}]
        await asyncio.gather(*sends, return_exceptions=True)
    people.remove(websocket)
