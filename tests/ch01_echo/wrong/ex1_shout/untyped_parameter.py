# Provokes: FastAPI knows a WebSocket by its type
from fastapi import FastAPI

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket):  # noqa: ANN001, ANN201 - that is what is wrong
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        await websocket.send_text(text.upper())
