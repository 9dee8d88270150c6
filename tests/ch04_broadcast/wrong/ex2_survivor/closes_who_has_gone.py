# Provokes: close() raises as the send did
# Misconception: M49
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in people.copy():
                if person is not websocket:
                    try:
                        await person.send_text(text)
                    except (WebSocketDisconnect, RuntimeError):
                        await person.close()
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
