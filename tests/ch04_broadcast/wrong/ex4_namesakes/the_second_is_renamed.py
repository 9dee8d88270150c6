# Provokes: not the one its sender came with
# Misconception: M51
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[str, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    name, number = username, 2
    while name in people:
        name, number = f"{username} {number}", number + 1
    people[name] = websocket
    async for text in websocket.iter_text():
        for other, person in list(people.items()):
            if other != name:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json({"username": name, "message": text})
    del people[name]
