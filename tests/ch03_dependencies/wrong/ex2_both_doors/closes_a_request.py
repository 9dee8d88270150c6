# Provokes: nothing to close
# Misconception: M11
from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket, WebSocketException
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    key = connection.cookies.get("key", "")
    if key not in MEMBERS:
        raise WebSocketException(1008)
    return MEMBERS[key]


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket, name: Annotated[str, Depends(member)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
