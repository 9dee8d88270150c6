# Provokes: Who comes next in it
# Misconception: M10
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
            for person in people:
                if person is not websocket:
                    try:
                        await person.send_text(text)
                    except (WebSocketDisconnect, RuntimeError) as error:
                        print(f"somebody has left: {error!r}")
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
