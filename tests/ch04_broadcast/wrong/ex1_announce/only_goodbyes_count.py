# Provokes: the others must hear of it, however it was
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


async def tell(others: set[WebSocket], text: str) -> None:
    sends = [other.send_text(text) for other in others]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    await tell(people - {websocket}, f"{username} joined")
    try:
        while True:
            text = await websocket.receive_text()
            await tell(people - {websocket}, f"{username}: {text}")
    except WebSocketDisconnect as gone:
        people.remove(websocket)
        if gone.code in (1000, 1001):
            await tell(people, f"{username} left")
