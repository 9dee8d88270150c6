# Provokes: was it taken out before?
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
            for person in list(people):
                if person is not websocket:
                    try:
                        await person.send_text(text)
                    except (WebSocketDisconnect, RuntimeError):
                        people.remove(person)
    except WebSocketDisconnect:
        people.remove(websocket)
    finally:
        people.remove(websocket)
