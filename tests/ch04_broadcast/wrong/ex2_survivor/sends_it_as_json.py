# Provokes: Send it to the letter
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
                if person is not websocket:
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await person.send_json(text)
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
