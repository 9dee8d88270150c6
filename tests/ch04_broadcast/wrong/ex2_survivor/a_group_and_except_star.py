# Provokes: cancels the other sends when one fails
# Misconception: M36
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


async def tell(others: set[WebSocket], text: str) -> None:
    try:
        async with asyncio.TaskGroup() as sends:
            for other in others:
                sends.create_task(other.send_text(text))
    except* (WebSocketDisconnect, RuntimeError):
        pass


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            await tell(people - {websocket}, text)
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
