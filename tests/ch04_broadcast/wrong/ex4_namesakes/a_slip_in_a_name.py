# Provokes: and the handler raised AttributeError: 'WebSocket' object has no
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    with suppress(RuntimeError):
        async for text in websocket.iter_text():
            said = {"username": username, "message": text}
            for person in people - {websocket}:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_jsn(said)
    people.discard(websocket)
