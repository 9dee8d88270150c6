from typing import Any

from fastapi import FastAPI, WebSocket
from starlette.endpoints import WebSocketEndpoint

ALLOWED = {"https://chat.example", "http://localhost:3000"}
app = FastAPI()


@app.websocket_route("/ws")
class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        origins = websocket.headers.getlist("origin")
        own = str(websocket.base_url).replace("ws", "http", 1).rstrip("/")
        if all(origin in ALLOWED | {own} for origin in origins):
            await websocket.accept()
        else:
            await websocket.close()

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        await websocket.send_text(data)
