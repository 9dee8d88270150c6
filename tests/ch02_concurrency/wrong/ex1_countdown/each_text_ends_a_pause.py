# Provokes: Each text cuts a pause short
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        for number in range(5, -1, -1):
            await websocket.send_text(str(number))
            try:
                text = await asyncio.wait_for(websocket.receive_text(), STEP)
                await websocket.send_text(text)
            except TimeoutError:
                pass
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass
