# Provokes: Only the whole text `bye`, as it is
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text.rstrip(".!") == "bye":
            await websocket.close(1000)
            return
        await websocket.send_text(text.upper())
