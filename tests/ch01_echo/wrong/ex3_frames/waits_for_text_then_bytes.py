# Provokes: came where binary was awaited
# Misconception: M47
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            await websocket.send_text(str(len(text)))
            data = await websocket.receive_bytes()
            await websocket.send_text(str(len(data)))
    except WebSocketDisconnect:
        return
