# Provokes: Each text cuts a pause short
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    paused = False
    try:
        while True:
            try:
                async with asyncio.timeout(None if paused else STEP):
                    text = await websocket.receive_text()
                if text in ("pause", "resume"):
                    paused = text == "pause"
                else:
                    await websocket.send_text(text)
            except TimeoutError:
                pass
            if not paused:
                await websocket.send_text("tick")
    except WebSocketDisconnect:
        pass
