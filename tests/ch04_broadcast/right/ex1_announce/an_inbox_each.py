import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
inboxes: list[asyncio.Queue[str]] = []


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


def tell(mine: asyncio.Queue[str], text: str) -> None:
    for inbox in inboxes:
        if inbox is not mine:
            inbox.put_nowait(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    inbox: asyncio.Queue[str] = asyncio.Queue()
    inboxes.append(inbox)
    delivery = asyncio.create_task(deliver(websocket, inbox))
    tell(inbox, f"{username} joined")
    try:
        async for text in websocket.iter_text():
            tell(inbox, f"{username}: {text}")
    finally:
        inboxes.remove(inbox)
        tell(inbox, f"{username} left")
        delivery.cancel()
        await asyncio.gather(delivery, return_exceptions=True)
