import anyio
from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        with anyio.move_on_after(IDLE) as silence:
            message = await websocket.receive()
        if silence.cancelled_caught:
            await websocket.close(4000, "idle")
            return
        if message["type"] == "websocket.disconnect":
            return
        await websocket.send_text(message["text"])
