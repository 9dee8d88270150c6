import anyio
from fastapi import FastAPI, WebSocket

STEP = 1.0
app = FastAPI()


async def count_down(websocket: WebSocket) -> None:
    for number in range(5, -1, -1):
        await websocket.send_text(str(number))
        await anyio.sleep(STEP)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count_down, websocket)
        async for text in websocket.iter_text():
            await websocket.send_text(text)
        tasks.cancel_scope.cancel()
