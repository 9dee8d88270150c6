# Provokes: Who comes next in it then?
# Misconception: M10
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class Manager:
    def __init__(self) -> None:
        self.active: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active.remove(websocket)

    async def broadcast(self, message: str, sender: WebSocket) -> None:
        for connection in self.active:
            if connection != sender:
                await connection.send_text(message)


manager = Manager()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            await manager.broadcast(await websocket.receive_text(), websocket)
    except WebSocketDisconnect:
        manager.disconnect(websocket)
