# Provokes: Of two Sams one has left
# Misconception: M51
from collections import defaultdict
from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: defaultdict[str, list[WebSocket]] = defaultdict(list)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people[username].append(websocket)
    async for text in websocket.iter_text():
        said = {"username": username, "message": text}
        for person in [one for many in people.values() for one in many]:
            if person is not websocket:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json(said)
    people.pop(username, None)
