# Provokes: not the right ticket
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket, ticket: Annotated[str, Cookie()]) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
