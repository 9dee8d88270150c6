import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket

people: set[WebSocket] = set()
news: asyncio.Queue[tuple[WebSocket, str]] = asyncio.Queue()


async def tell() -> None:
    while True:
        source, text = await news.get()
        others = [one for one in people if one is not source]
        sends = [asyncio.wait_for(one.send_text(text), 5) for one in others]
        await asyncio.gather(*sends, return_exceptions=True)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    telling = asyncio.create_task(tell())
    yield
    telling.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    news.put_nowait((websocket, f"{username} joined"))
    with suppress(RuntimeError):
        async for text in websocket.iter_text():
            news.put_nowait((websocket, f"{username}: {text}"))
    people.discard(websocket)
    news.put_nowait((websocket, f"{username} left"))
