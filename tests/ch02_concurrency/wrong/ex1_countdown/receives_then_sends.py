# Provokes: come by themselves
import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    number = 5
    async for text in websocket.iter_text():
        await websocket.send_text(text)
        if number >= 0:
            await asyncio.sleep(STEP)
            await websocket.send_text(str(number))
            number -= 1
