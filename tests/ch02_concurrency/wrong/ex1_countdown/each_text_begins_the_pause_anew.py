# Provokes: the pause begins anew
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("5")
    number = 4
    try:
        while True:
            limit = STEP if number >= 0 else None
            try:
                text = await asyncio.wait_for(websocket.receive_text(), limit)
                await websocket.send_text(text)
            except TimeoutError:
                await websocket.send_text(str(number))
                number -= 1
    except WebSocketDisconnect:
        pass
