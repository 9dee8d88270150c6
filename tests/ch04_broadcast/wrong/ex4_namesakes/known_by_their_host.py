# Provokes: All who come from one machine have the same host
# Misconception: M51
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[str, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    assert websocket.client is not None
    me = websocket.client.host
    people[me] = websocket
    with suppress(RuntimeError):
        async for text in websocket.iter_text():
            for other, person in list(people.items()):
                if other != me:
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await person.send_json({"username": username, "message": text})
    people.pop(me, None)
