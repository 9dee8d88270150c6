# Provokes: Those who come after it in the loop
# Misconception: M01
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
            try:
                for person in list(people):
                    if person is not websocket:
                        await person.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                pass
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
