# Provokes: Of two Sams one has left
# Misconception: M51
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[int, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    me = len(people)
    people[me] = websocket
    async for text in websocket.iter_text():
        for number, person in list(people.items()):
            if number != me:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json({"username": username, "message": text})
    del people[me]
