# Provokes: Your handler ended
# Misconception: M41
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    while text := await websocket.receive_text():
        if text == "bye":
            await websocket.close(1000)
            return
        await websocket.send_text(text.upper())
