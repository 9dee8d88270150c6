import asyncio
import json
from math import isfinite

from fastapi import FastAPI, WebSocket

app = FastAPI()


def read(text: str | bytes) -> float:
    both = json.loads(text)
    pair = [both.get(name) for name in ("a", "b")] if isinstance(both, dict) else []
    if len(pair) != 2 or any(type(one) not in (int, float) for one in pair):
        raise ValueError("two numbers, a and b, please")
    if not isfinite(total := sum(pair)):
        raise ValueError("JSON has no such number")
    return total


async def answer(websocket: WebSocket, texts: asyncio.Queue[str]) -> None:
    while True:
        try:
            said = {"sum": read(await texts.get())}
        except (ValueError, OverflowError, RecursionError) as error:
            said = {"error": str(error)}
        await websocket.send_json(said)


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    texts: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(answer(websocket, texts))
        async for text in websocket.iter_text():
            texts.put_nowait(text)
        answering.cancel()
