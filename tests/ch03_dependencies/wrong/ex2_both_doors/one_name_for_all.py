# Provokes: a name of their own
import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.requests import HTTPConnection

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}
newest: dict[str, str] = {}

app = FastAPI()


async def member(connection: HTTPConnection) -> str:
    found = MEMBERS.get(connection.cookies.get("key", ""))
    if found is not None:
        newest["name"] = found
        await asyncio.sleep(1)  # stands for a database
        return newest["name"]
    raise HTTPException(403, "members only")


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket, name: Annotated[str, Depends(member)]) -> None:
    await websocket.accept()
    await websocket.send_text(f"Hello, {name}!")
    await websocket.close()
