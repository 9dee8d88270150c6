# Provokes: Catch it at the send
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
            for person in people.copy():
                if person is not websocket:
                    try:
                        await person.send_text(text)
                    except WebSocketDisconnect:
                        continue
    except WebSocketDisconnect:
        people.remove(websocket)
