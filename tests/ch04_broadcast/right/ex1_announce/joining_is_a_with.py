from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class Room:
    def __init__(self) -> None:
        self.people: dict[WebSocket, str] = {}

    async def tell(self, speaker: WebSocket, text: str) -> None:
        for person in tuple(self.people):
            if person is not speaker:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_text(text)

    @asynccontextmanager
    async def join(self, websocket: WebSocket, name: str) -> AsyncIterator[None]:
        self.people[websocket] = name
        try:
            await self.tell(websocket, f"{name} joined")
            yield
        finally:
            del self.people[websocket]
            await self.tell(websocket, f"{name} left")


room = Room()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    async with room.join(websocket, username):
        try:
            while True:
                text = await websocket.receive_text()
                await room.tell(websocket, f"{username}: {text}")
        except (WebSocketDisconnect, RuntimeError):
            pass
