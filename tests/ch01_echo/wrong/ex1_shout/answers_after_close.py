# Provokes: After close() comes return.
# Misconception: M48
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        if message == "bye":
            await websocket.close(code=1000)
        await websocket.send_text(message.upper())
