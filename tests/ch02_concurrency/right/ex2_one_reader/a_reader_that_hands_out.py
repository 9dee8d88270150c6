import asyncio

from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def send_ticks(websocket: WebSocket, orders: asyncio.Queue[str]) -> None:
    order = "resume"
    while True:
        try:
            # Not wait_for(): that of Python 3.11 loses a cancel() which comes in
            # the same moment as an order, and the handler waits for ever.
            async with asyncio.timeout(STEP if order == "resume" else None):
                order = await orders.get()
        except TimeoutError:
            await websocket.send_text("tick")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    orders: asyncio.Queue[str] = asyncio.Queue()
    ticking = asyncio.create_task(send_ticks(websocket, orders))
    async for text in websocket.iter_text():
        if text in ("pause", "resume"):
            orders.put_nowait(text)
        else:
            await websocket.send_text(text)
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
