# Provokes: A header of its own is no cookie
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    key = connection.cookies.get("key") or connection.headers.get("key", "")
    if key in MEMBERS:
        return MEMBERS[key]
    raise HTTPException(403, "members only")


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket, name: Annotated[str, Depends(member)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
