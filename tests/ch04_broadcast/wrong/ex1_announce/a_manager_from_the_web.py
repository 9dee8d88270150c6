# Provokes: had gone
# Misconception: M01
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
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await manager.connect(websocket)
    try:
        await manager.broadcast(f"{username} joined", websocket)
        while True:
            text = await websocket.receive_text()
            await manager.broadcast(f"{username}: {text}", websocket)
    except WebSocketDisconnect:
        manager.disconnect(websocket)
        await manager.broadcast(f"{username} left", websocket)
