# Provokes: member() was called without await
# Misconception: M42
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    key = connection.cookies.get("key", "")
    if key not in MEMBERS:
        raise HTTPException(403, "members only")
    return MEMBERS[key]


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket) -> None:
    name = member(websocket)
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
