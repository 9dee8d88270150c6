# Provokes: Every text gets an answer
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    for _ in range(10):
        text = await websocket.receive_text()
        if text == "bye":
            break
        await websocket.send_text(text.upper())
    await websocket.close(1000)
