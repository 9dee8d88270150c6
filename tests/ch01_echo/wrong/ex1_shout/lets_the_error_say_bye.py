# Provokes: This says that the client left
# Misconception: M41
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        if text == "bye":
            raise WebSocketDisconnect(1000)
        await websocket.send_text(text.upper())
