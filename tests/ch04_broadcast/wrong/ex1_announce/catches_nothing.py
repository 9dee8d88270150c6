# Provokes: its own receive raises this
# Misconception: M01
import asyncio

from fastapi import FastAPI, WebSocket

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
        async for text in websocket.iter_text():
            await tell(people - {websocket}, f"{username}: {text}")
    finally:
        people.remove(websocket)
        await tell(people, f"{username} left")
