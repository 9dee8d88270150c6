# Provokes: Does it go on to bo?
# Misconception: M10
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in people.copy():
                if person not in people:
                    break
                if person is not websocket:
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await person.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
