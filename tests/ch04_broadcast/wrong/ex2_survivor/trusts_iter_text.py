# Provokes: its own receive raises this
# Misconception: M01
from contextlib import suppress

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    async for text in websocket.iter_text():
        for person in list(people):
            if person is not websocket:
                with suppress(Exception):
                    await person.send_text(text)
    people.remove(websocket)
