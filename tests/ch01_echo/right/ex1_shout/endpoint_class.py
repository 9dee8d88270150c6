from typing import Any

from fastapi import FastAPI
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

app = FastAPI()


class Shout(WebSocketEndpoint):
    encoding = "text"

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        if data == "bye":
            await websocket.close(1000)
        else:
            await websocket.send_text(data.upper())


app.router.routes.append(WebSocketRoute("/ws", Shout))
