# Provokes: was called without await
# Misconception: M42
from fastapi import FastAPI, WebSocket

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        for person in people - {websocket}:
            person.send_json({"username": username, "message": text})
    people.remove(websocket)
