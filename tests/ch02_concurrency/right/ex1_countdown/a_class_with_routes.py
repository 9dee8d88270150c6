import asyncio
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, FastAPI, WebSocket

STEP = 1.0
router = APIRouter()


class Conversation:
    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket

    async def __aenter__(self) -> "Conversation":
        await self.socket.accept()
        self.counting = asyncio.ensure_future(self.count())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.counting.cancel()
        with suppress(asyncio.CancelledError):
            await self.counting

    async def count(self) -> None:
        left = 5
        while left > -1:
            await self.socket.send({"type": "websocket.send", "text": f"{left}"})
            await asyncio.sleep(STEP)
            left -= 1

    async def echo(self) -> None:
        message: Any
        while (message := await self.socket.receive())["type"] == "websocket.receive":
            await self.socket.send_text(message["text"])


@router.get("/health")
def health() -> str:
    return "well"


@router.websocket("/ws")
async def converse(socket: WebSocket) -> None:
    async with Conversation(socket) as conversation:
        await conversation.echo()


app = FastAPI()
app.include_router(router)
