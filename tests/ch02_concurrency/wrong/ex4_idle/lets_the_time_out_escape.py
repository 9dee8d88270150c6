# Provokes: ended in an error, not in a close
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            text = await asyncio.wait_for(websocket.receive_text(), IDLE)
            await websocket.send_text(text)
    except WebSocketDisconnect:
        pass
