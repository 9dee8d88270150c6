# Provokes: Of two Sams one has left
# Misconception: M51
from contextlib import suppress
from dataclasses import dataclass, field

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@dataclass
class Person:
    name: str
    websocket: WebSocket = field(compare=False)


people: list[Person] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    me = Person(username, websocket)
    people.append(me)
    async for text in websocket.iter_text():
        said = {"username": username, "message": text}
        for person in list(people):
            if person.websocket is not websocket:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.websocket.send_json(said)
    people.remove(me)
