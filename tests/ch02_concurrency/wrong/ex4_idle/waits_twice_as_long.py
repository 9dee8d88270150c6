# Provokes: This is too late
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            async with asyncio.timeout(IDLE * 2):
                text = await websocket.receive_text()
            await websocket.send_text(text)
    except TimeoutError:
        await websocket.close(4000, "idle")
    except WebSocketDisconnect:
        pass
