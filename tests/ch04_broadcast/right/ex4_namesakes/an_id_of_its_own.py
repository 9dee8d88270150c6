from contextlib import suppress
from uuid import uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[str, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    me = uuid4().hex
    people[me] = websocket
    try:
        while True:
            said = {"username": username, "message": await websocket.receive_text()}
            for id, person in list(people.items()):
                if id != me:
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await person.send_json(said)
    except WebSocketDisconnect:
        pass
    finally:
        del people[me]
