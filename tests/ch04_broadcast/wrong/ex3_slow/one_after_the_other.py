# Provokes: Who does the waiting?
# Misconception: M32
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

INBOX = 100
app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        for other in people - {websocket}:
            with suppress(WebSocketDisconnect, RuntimeError):
                await other.send_text(text)
    people.remove(websocket)
