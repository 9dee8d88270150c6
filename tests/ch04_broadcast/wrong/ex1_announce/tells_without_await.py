# Provokes: was called without await
# Misconception: M42
from fastapi import FastAPI, WebSocket

app = FastAPI()
people: set[WebSocket] = set()


async def tell(others: set[WebSocket], text: str) -> None:
    for other in others:
        await other.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    tell(people - {websocket}, f"{username} joined")
    async for text in websocket.iter_text():
        await tell(people - {websocket}, f"{username}: {text}")
    people.remove(websocket)
    tell(people, f"{username} left")
