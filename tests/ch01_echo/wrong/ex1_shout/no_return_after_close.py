# Provokes: After close() comes return.
# Misconception: M48
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        if text == "bye":
            await websocket.close()
        else:
            await websocket.send_text(text.upper())
