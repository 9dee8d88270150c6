from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnected

app = FastAPI()


class Counter:
    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket

    async def run(self) -> None:
        await self.websocket.accept()
        while True:
            message = await self.websocket.receive()
            for kind in ("text", "bytes"):
                if message.get(kind) is not None:
                    await self.websocket.send_text(str(len(message[kind])))


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    try:
        await Counter(websocket).run()
    except WebSocketDisconnected:
        print("client left")
