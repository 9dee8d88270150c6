# Provokes: The frame that did not fit is gone
# Misconception: M47
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            try:
                data: str | bytes = await websocket.receive_text()
            except KeyError:
                data = await websocket.receive_bytes()
            await websocket.send_text(str(len(data)))
    except WebSocketDisconnect:
        pass
