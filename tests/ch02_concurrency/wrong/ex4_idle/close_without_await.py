# Provokes: close() was called without await
# Misconception: M42
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            async with asyncio.timeout(IDLE):
                text = await websocket.receive_text()
            await websocket.send_text(text)
    except TimeoutError:
        websocket.close(4000, "idle")
    except WebSocketDisconnect:
        pass
