# Provokes: had gone
# Misconception: M01
from fastapi import FastAPI, WebSocket

app = FastAPI()
people: set[WebSocket] = set()


async def tell(text: str) -> None:
    for person in people.copy():
        await person.send_text(text)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    for person in people.copy():
        await person.send_text(f"{username} joined")
    people.add(websocket)
    async for text in websocket.iter_text():
        for person in people - {websocket}:
            await person.send_text(f"{username}: {text}")
    await tell(f"{username} left")
    people.remove(websocket)
