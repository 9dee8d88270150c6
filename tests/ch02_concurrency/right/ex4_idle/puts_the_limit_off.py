import asyncio

from fastapi import FastAPI, WebSocket

IDLE = 10.0
app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(IDLE) as limit:
            async for text in websocket.iter_text():
                await websocket.send_text(text)
                limit.reschedule(loop.time() + IDLE)
    except TimeoutError:
        await websocket.close(4000, "idle")
