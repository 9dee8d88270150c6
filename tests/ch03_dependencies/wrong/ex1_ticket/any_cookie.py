# Provokes: not the right ticket
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketException

app = FastAPI()


@app.websocket("/ws")
async def echo(
    websocket: WebSocket, ticket: Annotated[str | None, Cookie()] = None
) -> None:
    if ticket is None:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
