"""One send after the other, in the handler of who speaks."""

import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI(title="Naive loop")
room: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    room.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            said = json.dumps({"username": username, "message": text})
            for member in room.copy():
                if member is not websocket:
                    await member.send_text(said)
    except WebSocketDisconnect:
        room.remove(websocket)
