# Provokes: HTTP 403
# Misconception: M51
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[str, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    if username in people:
        await websocket.close(1008, "this name is taken")
        return
    await websocket.accept()
    people[username] = websocket
    async for text in websocket.iter_text():
        for name, person in list(people.items()):
            if name != username:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json({"username": username, "message": text})
    del people[username]
