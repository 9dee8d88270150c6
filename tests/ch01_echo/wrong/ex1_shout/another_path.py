# Provokes: There are: /shout
# Misconception: M07
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/shout")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        await websocket.send_text(text.upper())
