import asyncio
import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
inboxes: set[asyncio.Queue[str]] = set()


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    mine: asyncio.Queue[str] = asyncio.Queue()
    inboxes.add(mine)
    try:
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(deliver(websocket, mine))
            async for text in websocket.iter_text():
                said = json.dumps({"message": text, "username": username})
                for inbox in inboxes:
                    if inbox is not mine:
                        inbox.put_nowait(said)
            delivery.cancel()
    except* WebSocketDisconnect:
        pass
    finally:
        inboxes.discard(mine)
