"""An app with what a handler may hold for as long as its socket is open."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket

app = FastAPI()
opened: list[str] = []  # sessions with a database, say
done: list[str] = []


@contextmanager
def session(name: str) -> Iterator[None]:
    opened.append(name)
    try:
        yield
    finally:
        opened.remove(name)


async def for_the_socket() -> AsyncIterator[None]:
    with session("socket"):
        yield


@app.get("/opened")
async def tell_opened() -> list[str]:
    return opened


@app.get("/done")
async def tell_done(tasks: BackgroundTasks) -> list[str]:
    tasks.add_task(done.append, "by HTTP")
    return done


@app.websocket("/dependency")
async def hold(
    websocket: WebSocket, _: Annotated[None, Depends(for_the_socket)]
) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@app.websocket("/function")
async def hold_function(
    websocket: WebSocket,
    _: Annotated[None, Depends(for_the_socket, scope="function")],
) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@app.websocket("/message")
async def open_for_each_message(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        with session("message"):
            await websocket.send_text(f"{text} {opened}")


@app.websocket("/background")
async def add_task(websocket: WebSocket, tasks: BackgroundTasks) -> None:
    await websocket.accept()
    tasks.add_task(done.append, "by WebSocket")
    await websocket.close()
