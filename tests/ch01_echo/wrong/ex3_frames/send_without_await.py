# Provokes: send_text() was called without await
# Misconception: M42
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        match await websocket.receive():
            case {"text": str() as text}:
                await websocket.send_text(str(len(text)))
            case {"bytes": bytes() as data}:
                websocket.send_text(str(len(data)))
            case _:
                return
