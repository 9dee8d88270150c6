# Provokes: Compare bytes
import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    shown = connection.cookies.get("key", "")
    for key, name in MEMBERS.items():
        if secrets.compare_digest(shown, key):
            return name
    raise HTTPException(403, "members only")


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket, name: Annotated[str, Depends(member)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
