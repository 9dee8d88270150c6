# Provokes: send_text() was called without await
# Misconception: M42
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        websocket.send_text(text.upper())
