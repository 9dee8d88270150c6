# Provokes: Loop over a copy
# Misconception: M10
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        async for text in websocket.iter_text():
            for person in people:
                if person is not websocket:
                    with suppress(WebSocketDisconnect):
                        await person.send_text(text)
    finally:
        people.discard(websocket)
