"""The naive loop without FastAPI and Starlette: what the server itself can do."""

import json
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

room: list[Send] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        return
    username = parse_qs(scope["query_string"].decode())["username"][0]
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    room.append(send)
    while (message := await receive())["type"] == "websocket.receive":
        said = json.dumps({"username": username, "message": message["text"]})
        for member in room.copy():
            if member is not send:
                await member({"type": "websocket.send", "text": said})
    room.remove(send)
