from typing import Annotated

from fastapi import (
    Depends,
    FastAPI,
    HTTPException,
    WebSocket,
    WebSocketException,
)
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    name = MEMBERS.get(connection.cookies.get("key", ""))
    if name is None and connection.scope["type"] == "websocket":
        raise WebSocketException(1008, "members only")
    if name is None:
        raise HTTPException(403, "members only")
    return name


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket, name: Annotated[str, Depends(member)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
