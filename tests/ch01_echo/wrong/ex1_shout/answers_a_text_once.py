# Provokes: The same text again gets its answer again.
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    before = ""
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        if text != before:
            await websocket.send_text(text.upper())
        before = text
