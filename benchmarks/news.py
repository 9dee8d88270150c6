"""The same news told five ways, by a server that knows them all, and read each way.

A relay counts what crosses the sockets between the two.
"""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Self

import httpx
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

from workbook.client import Client

# Seconds after the start, uneven as news is.
NEWS = (0.08, 0.31, 0.42, 0.72, 0.87, 1.14, 1.23, 1.66, 1.84, 1.93, 2.27, 2.46)
LEAD = 0.4  # seconds for everyone to connect before the start
PATIENCE = 10.0  # seconds that a client waits for anything


class Feed:
    """The news so far; whoever waits is woken by the next."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self._next = asyncio.Event()

    async def publish(self) -> None:
        start = time.perf_counter() + LEAD
        for number, offset in enumerate(NEWS):
            await asyncio.sleep(start + offset - time.perf_counter())
            said = {"number": number, "at": round(time.perf_counter(), 6)}
            self.news.append(json.dumps(said))
            self._next.set()
            self._next = asyncio.Event()

    async def after(self, seen: int) -> list[str]:
        """What is newer than the first `seen`; waits until there is some."""
        while len(self.news) <= seen:
            await self._next.wait()
        return self.news[seen:]

    async def each(self) -> AsyncIterator[str]:
        """All the news, one by one, as it comes."""
        for seen in range(len(NEWS)):
            yield (await self.after(seen))[0]


def make_app() -> FastAPI:
    """An app that tells its news in every way at once."""
    feed = Feed()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(feed.publish())
            yield
            publishing.cancel()

    app = FastAPI(title="Why not HTTP?", lifespan=lifespan)
    app.state.heard = threading.Event()

    @app.get("/now")
    async def now(seen: int) -> list[str]:
        return feed.news[seen:]

    @app.get("/wait")
    async def wait(seen: int) -> list[str]:
        return await feed.after(seen)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        events = (f"data: {news}\n\n" async for news in feed.each())
        return StreamingResponse(events, media_type="text/event-stream")

    @app.websocket("/ws")
    async def tell(websocket: WebSocket) -> None:
        await websocket.accept()
        async for news in feed.each():
            await websocket.send_text(news)
        await websocket.receive()  # until the client leaves

    @app.post("/word")
    async def take_word(request: Request) -> Response:
        await request.body()
        return Response(status_code=204)

    @app.websocket("/words")
    async def take_words(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        app.state.heard.set()
        await websocket.receive()  # until the client leaves

    return app


def ask(port: int, path: str, pause: float = 0) -> Iterator[str]:
    """Ask for news until all is there, `pause` seconds after each answer."""
    seen = 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
        while seen < len(NEWS):
            for news in http.get(path, params={"seen": seen}).json():
                seen += 1
                yield news
            time.sleep(pause)


def stream(port: int) -> Iterator[str]:
    """Server-sent events: one answer that goes on and on."""
    url = f"http://127.0.0.1:{port}/stream"
    with httpx.stream("GET", url, timeout=PATIENCE) as answer:
        for line in answer.iter_lines():
            if line:
                yield line.removeprefix("data: ")


def hold(port: int) -> Iterator[str]:
    """A WebSocket."""
    with Client("reader", port, "/ws", reply=PATIENCE) as reader:
        for _ in NEWS:
            yield str(reader.receive())


Way = Callable[[int], Iterator[str]]

WAYS: dict[str, Way] = {
    "polling, 0.5 s": partial(ask, path="/now", pause=0.5),
    "polling, 0.1 s": partial(ask, path="/now", pause=0.1),
    "long polling": partial(ask, path="/wait"),
    "server-sent events": stream,
    "WebSocket": hold,
}


class Relay:
    """A port that passes everything on to another one, and counts the bytes."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.up = self.down = self.requests = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.sockets:
            with suppress(OSError):  # it had been shut from the other side
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed: that is the end
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets += [client, server]
                self._start(client, server, self._count_up)
                self._start(server, client, self._count_down)

    def _start(self, *way: object) -> None:
        threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def _pass_on(
        self,
        source: socket.socket,
        sink: socket.socket,
        count: Callable[[bytes], None],
    ) -> None:
        with suppress(OSError):  # one side has gone: the other is told below
            while data := source.recv(65536):
                count(data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _count_up(self, data: bytes) -> None:
        self.up += len(data)
        self.requests += data.count(b" HTTP/1.1\r\n")

    def _count_down(self, data: bytes) -> None:
        self.down += len(data)
