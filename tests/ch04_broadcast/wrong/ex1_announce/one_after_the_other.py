# Provokes: Catch it at the send
# Misconception: M01
from fastapi import FastAPI, WebSocket

app = FastAPI()
people: list[WebSocket] = []


async def tell(websocket: WebSocket, text: str) -> None:
    for other in list(people):
        if other is not websocket:
            await other.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.append(websocket)
    await tell(websocket, f"{username} joined")
    try:
        async for text in websocket.iter_text():
            await tell(websocket, f"{username}: {text}")
    finally:
        people.remove(websocket)
        await tell(websocket, f"{username} left")
