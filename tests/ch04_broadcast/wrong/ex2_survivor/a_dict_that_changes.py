# Provokes: Loop over a copy
# Misconception: M10
from uuid import uuid4

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: dict[str, WebSocket] = {}


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = uuid4().hex
    people[me] = websocket
    try:
        while True:
            text = await websocket.receive_text()
            for name, person in people.items():
                try:
                    if name != me:
                        await person.send_text(text)
                except Exception as error:
                    print(f"{name} is gone: {error!r}")
    except WebSocketDisconnect:
        pass
    finally:
        del people[me]
