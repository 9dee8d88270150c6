# Provokes: was called without await
# Misconception: M42
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    async for text in websocket.iter_text():
        for person in list(people):
            if person is not websocket:
                with suppress(WebSocketDisconnect, RuntimeError):
                    person.send_text(text)
    people.remove(websocket)
