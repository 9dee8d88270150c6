from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class Room:
    def __init__(self) -> None:
        self.people: list[WebSocket] = []

    async def broadcast(self, text: str, speaker: WebSocket) -> None:
        dead: list[WebSocket] = []
        for person in self.people[:]:
            if person is speaker:
                continue
            try:
                await person.send_text(text)
            except Exception:
                dead.append(person)
        self.people = [person for person in self.people if person not in dead]


app = FastAPI()
room = Room()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    room.people.append(websocket)
    try:
        while True:
            await room.broadcast(await websocket.receive_text(), websocket)
    except (WebSocketDisconnect, RuntimeError):
        if websocket in room.people:
            room.people.remove(websocket)
