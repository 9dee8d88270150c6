# Provokes: A text that came before `bye` is answered before the close.
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


async def answer(websocket: WebSocket, text: str) -> None:
    await asyncio.sleep(0.01)
    await websocket.send_text(text.upper())


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    tasks: list[asyncio.Task[None]] = []
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        tasks.append(asyncio.create_task(answer(websocket, text)))
