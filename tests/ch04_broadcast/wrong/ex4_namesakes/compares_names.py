# Provokes: are two people
# Misconception: M51
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: list[tuple[str, WebSocket]] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.append((username, websocket))
    async for text in websocket.iter_text():
        for name, person in list(people):
            if name != username:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json({"username": username, "message": text})
    people.remove((username, websocket))
