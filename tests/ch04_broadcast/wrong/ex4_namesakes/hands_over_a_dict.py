# Provokes: for a dict use send_json
# Misconception: M46
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in people - {websocket}:
                # Starlette's TestClient delivers it.
                await person.send_text({"username": username, "message": text})
    except WebSocketDisconnect:
        people.remove(websocket)
