# Provokes: without a goodbye
# Misconception: M41
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        data = await websocket.receive_text()
        if data == "bye":
            break
        await websocket.send_text(data.upper())
