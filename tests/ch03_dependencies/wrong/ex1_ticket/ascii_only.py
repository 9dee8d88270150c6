# Provokes: This ticket is not ASCII
import secrets
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket, ticket: Annotated[str, Cookie()] = "") -> None:
    if not secrets.compare_digest(ticket.encode("ascii"), TICKET.encode("ascii")):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
