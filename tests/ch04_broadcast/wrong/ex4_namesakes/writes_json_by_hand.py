# Provokes: Let json.dumps() write
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        said = f'{{"username": "{username}", "message": "{text}"}}'
        for person in people - {websocket}:
            with suppress(WebSocketDisconnect, RuntimeError):
                await person.send_text(said)
    people.remove(websocket)
