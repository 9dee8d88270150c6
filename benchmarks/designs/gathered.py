"""All sends at once, awaited together in the handler of who speaks."""

import asyncio
import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI(title="gather")
room: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    room.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            said = json.dumps({"username": username, "message": text})
            others = [member for member in room if member is not websocket]
            await asyncio.gather(*(member.send_text(said) for member in others))
    except WebSocketDisconnect:
        room.remove(websocket)
