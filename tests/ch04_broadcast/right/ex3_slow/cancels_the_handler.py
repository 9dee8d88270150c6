import asyncio

from fastapi import FastAPI, WebSocket

INBOX = 100
app = FastAPI()
room: dict[WebSocket, "Member"] = {}


class Member:
    def __init__(self, websocket: WebSocket) -> None:
        self.handler = asyncio.current_task()
        self.inbox: asyncio.Queue[str] = asyncio.Queue(INBOX)
        self.delivery = asyncio.create_task(self.deliver(websocket))

    async def deliver(self, websocket: WebSocket) -> None:
        while True:
            await websocket.send_text(await self.inbox.get())


def broadcast(text: str, sender: WebSocket) -> None:
    for websocket, member in list(room.items()):
        if websocket is sender:
            continue
        try:
            member.inbox.put_nowait(text)
        except asyncio.QueueFull:
            del room[websocket]
            member.handler.cancel()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    member = room[websocket] = Member(websocket)
    try:
        async for text in websocket.iter_text():
            broadcast(text, websocket)
    except asyncio.CancelledError:
        if websocket in room:
            raise
    finally:
        room.pop(websocket, None)
        member.delivery.cancel()
        await asyncio.gather(member.delivery, return_exceptions=True)
