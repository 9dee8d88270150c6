# Provokes: stood still at this line
# Misconception: M23
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        try:
            message = await websocket.receive()
            data = message["text"] if "text" in message else message["bytes"]
            await websocket.send_text(str(len(data)))
        except Exception:
            continue
