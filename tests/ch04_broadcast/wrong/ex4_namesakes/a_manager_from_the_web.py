# Provokes: are two people
# Misconception: M51
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class Manager:
    def __init__(self) -> None:
        self.active: dict[str, WebSocket] = {}

    async def connect(self, name: str, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active[name] = websocket

    def disconnect(self, name: str) -> None:
        self.active.pop(name, None)

    async def broadcast(self, name: str, message: str) -> None:
        for other, websocket in self.active.items():
            if other != name:
                await websocket.send_json({"username": name, "message": message})


manager = Manager()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await manager.connect(username, websocket)
    try:
        while True:
            await manager.broadcast(username, await websocket.receive_text())
    except WebSocketDisconnect:
        manager.disconnect(username)
