from typing import Any

from fastapi import FastAPI
from starlette.endpoints import WebSocketEndpoint
from starlette.websockets import WebSocket

app = FastAPI()


@app.websocket_route("/ws")
class Count(WebSocketEndpoint):
    async def decode(self, websocket: WebSocket, message: Any) -> str | bytes:
        return message["bytes"] if message.get("text") is None else message["text"]

    async def on_receive(self, websocket: WebSocket, data: str | bytes) -> None:
        await websocket.send_text(str(len(data)))
