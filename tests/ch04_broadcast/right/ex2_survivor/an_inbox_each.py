import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    try:
        while True:
            await websocket.send_text(await inbox.get())
    except (WebSocketDisconnect, RuntimeError):
        pass


async def relay(websocket: WebSocket) -> None:
    async for text in websocket.iter_text():
        for other, inbox in inboxes.items():
            if other is not websocket:
                inbox.put_nowait(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inboxes[websocket] = asyncio.Queue()
    try:
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(deliver(websocket, inboxes[websocket]))
            await relay(websocket)
            delivery.cancel()
    finally:
        del inboxes[websocket]
