import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    loop = asyncio.get_running_loop()
    start, number = loop.time(), 5
    try:
        while True:
            due = start + (5 - number) * STEP if number >= 0 else None
            try:
                async with asyncio.timeout_at(due):
                    text = await websocket.receive_text()
            except TimeoutError:
                text = str(number)
                number -= 1
            await websocket.send_text(text)
    except WebSocketDisconnect:
        pass
