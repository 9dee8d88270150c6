import asyncio
from itertools import count

from fastapi import FastAPI, WebSocket

STEP = 5.0
app = FastAPI()


@app.websocket("/ws")
async def feed(websocket: WebSocket) -> None:
    await websocket.accept()
    start = asyncio.get_running_loop().time()
    for number in count(1):
        await websocket.send_text(f"news {number}")
        try:
            async with asyncio.timeout_at(start + number * STEP):
                while (await websocket.receive())["type"] != "websocket.disconnect":
                    pass
                return
        except TimeoutError:
            pass
