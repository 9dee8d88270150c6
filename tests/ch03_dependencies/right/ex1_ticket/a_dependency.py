import secrets
from typing import Annotated

from fastapi import Cookie, Depends, FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


async def show_ticket(ticket: Annotated[str, Cookie()] = "") -> None:
    if not secrets.compare_digest(ticket.encode(), TICKET.encode()):
        raise WebSocketException(1008, "no ticket")


@app.websocket("/ws", dependencies=[Depends(show_ticket)])
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
