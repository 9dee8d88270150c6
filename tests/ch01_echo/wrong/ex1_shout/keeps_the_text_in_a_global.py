# Provokes: What do the two share?
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
last = ""


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    global last
    await websocket.accept()
    async for last in websocket.iter_text():
        await asyncio.sleep(0)
        if last == "bye":
            await websocket.close(1000)
            return
        await websocket.send_text(last.upper())
