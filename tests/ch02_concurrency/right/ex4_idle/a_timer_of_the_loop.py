import asyncio

from fastapi import FastAPI, WebSocket
from starlette.endpoints import WebSocketEndpoint

IDLE = 10.0
app = FastAPI()


@app.websocket_route("/ws")
class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.websocket = websocket
        self.closing: asyncio.Task[None] | None = None
        self.start()

    def start(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(IDLE, self.close)

    def close(self) -> None:
        self.closing = asyncio.create_task(self.websocket.close(4000, "idle"))

    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        self.timer.cancel()
        self.start()
        await websocket.send_text(data)

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        self.timer.cancel()
        if self.closing is not None:
            await self.closing
