import asyncio
import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


class Guest:
    def __init__(self, ws: WebSocket, name: str) -> None:
        self.ws = ws
        self.name = name
        self.letters: asyncio.Queue[str] = asyncio.Queue()

    async def read_out(self) -> None:
        while True:
            letter = await self.letters.get()
            await self.ws.send({"type": "websocket.send", "text": letter})

    async def listen(self) -> None:
        while (event := await self.ws.receive())["type"] != "websocket.disconnect":
            letter = json.dumps({"username": self.name, "message": event["text"]})
            for guest in guests:
                if guest is not self:
                    guest.letters.put_nowait(letter)


guests: list[Guest] = []


@app.websocket("/ws")
async def visit(ws: WebSocket, username: str = "Anonymous") -> None:
    await ws.accept()
    guest = Guest(ws, username)
    guests.append(guest)
    reader = asyncio.create_task(guest.read_out())
    try:
        await guest.listen()
    finally:
        guests.remove(guest)
        reader.cancel()
        await asyncio.wait([reader])
