# Provokes: and not back
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        for person in list(people):
            with suppress(WebSocketDisconnect, RuntimeError):
                await person.send_json({"username": username, "message": text})
    people.remove(websocket)
