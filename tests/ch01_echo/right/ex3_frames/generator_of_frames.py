from collections.abc import AsyncIterator

from fastapi import FastAPI, WebSocket

app = FastAPI()


async def frames(websocket: WebSocket) -> AsyncIterator[str | bytes]:
    message = await websocket.receive()
    while message["type"] == "websocket.receive":
        yield message["bytes"] if message.get("text") is None else message["text"]
        message = await websocket.receive()


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    async for frame in frames(websocket):
        await websocket.send_json(len(frame))
