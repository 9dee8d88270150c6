import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    loop = asyncio.get_running_loop()
    tick, paused = loop.time() + STEP, False
    try:
        while True:
            try:
                async with asyncio.timeout_at(None if paused else tick):
                    text = await websocket.receive_text()
            except TimeoutError:
                tick += STEP
                await websocket.send_text("tick")
                continue
            if text in ("pause", "resume"):
                paused, tick = text == "pause", loop.time() + STEP
            else:
                await websocket.send_text(text)
    except WebSocketDisconnect:
        pass
