# Provokes: and not back
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        for person in list(people):
            with suppress(WebSocketDisconnect, RuntimeError):
                await person.send_text(text)
    people.remove(websocket)
