# Provokes: A WebSocket handler is an async def
# Misconception: M42
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
def shout(websocket: WebSocket) -> None:
    websocket.accept()
    while True:
        text = websocket.receive_text()
        if text == "bye":
            websocket.close(1000)
            return
        websocket.send_text(text.upper())
