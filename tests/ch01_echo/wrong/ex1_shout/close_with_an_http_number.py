# Provokes: Your own close codes
# Misconception: M44
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(200)
            return
        await websocket.send_text(text.upper())
