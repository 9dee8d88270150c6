# Provokes: was called without await
# Misconception: M42
import contextlib

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
            for person in [*people]:
                if person is not websocket:
                    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                        person.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
