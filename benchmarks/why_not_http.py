"""The same news told five ways: what each costs on the wire, and how late it comes.

`measure()` runs all five at once against one server, each through a relay that
counts what crosses its sockets. `python -m benchmarks.why_not_http` prints a table.
"""

import asyncio
import json
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Self

import httpx
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbook.client import Client
from workbook.threaded import ThreadedServer

# Seconds after the start, uneven as news is.
NEWS = (0.08, 0.31, 0.42, 0.72, 0.87, 1.14, 1.23, 1.66, 1.84, 1.93, 2.27, 2.46)
LEAD = 0.4  # seconds for everyone to connect before the start
PATIENCE = 10.0  # seconds that a client waits for anything


@dataclass(frozen=True)
class Row:
    """What one way came to.

    `up` and `down` are bytes of TCP payload from and to the client. `latencies` are
    milliseconds from the moment of each piece of news until the client has it.
    """

    way: str
    requests: int
    up: int
    down: int
    latencies: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.latencies)


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


def measure() -> list[Row]:
    """Tell the news in every way at once; takes about 3.5 seconds."""
    with ThreadedServer(make_app()) as server, ThreadPoolExecutor() as pool:
        return list(pool.map(partial(_measure, server.port), WAYS))


def _measure(port: int, name: str) -> Row:
    with Relay(port) as relay:
        latencies = [
            (time.perf_counter() - json.loads(news)["at"]) * 1000
            for news in WAYS[name](relay.port)
        ]
        return Row(name, relay.requests, relay.up, relay.down, latencies)


def say_back(word: str) -> tuple[int, int]:
    """Bytes, both ways, for one word from the client: by a POST, by an open socket."""
    app = make_app()
    with ThreadedServer(app) as server, Relay(server.port) as relay:
        httpx.post(f"http://127.0.0.1:{relay.port}/word", content=word)
        by_post = relay.up + relay.down
        with Client("ana", relay.port, "/words") as ana:
            before = relay.up + relay.down
            ana.send(word)
            app.state.heard.wait(PATIENCE)
            return by_post, relay.up + relay.down - before


def table(rows: Sequence[Row]) -> str:
    """The rows, aligned, for a terminal or a notebook."""
    lines = [f"{'':20}{'requests':>8}{'bytes up':>11}{'bytes down':>12}{'median':>11}"]
    for row in rows:
        counts = f"{row.requests:8}{row.up:11,}{row.down:12,}"
        lines.append(f"{row.way:20}{counts}{row.median:8.1f} ms")
    return "\n".join(lines)


UP, DOWN, INK, QUIET = "#1d5fbf", "#6fb98f", "#20262d", "#59636e"


def picture(rows: Sequence[Row]) -> Image:
    """The rows as a picture: bytes on the left, latencies on the right."""
    figure = Figure(figsize=(9.6, 3.8), dpi=110, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.2))
    _draw_bytes(left, rows)
    _draw_latencies(right, rows)
    left.set_yticks(range(len(rows)), [row.way for row in rows], fontsize=12)
    left.set_ylim(len(rows) - 0.4, -0.6)  # the first on top
    for axes in (left, right):
        axes.tick_params(length=0, colors=INK, labelsize=11)
        axes.spines[:].set_visible(False)
        axes.set_axisbelow(True)
    left.tick_params(axis="y", labelsize=12)
    png = BytesIO()
    figure.savefig(png, metadata={"Software": None})
    return Image(png.getvalue(), alt=describe(rows))


def _draw_bytes(axes: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    ups = [row.up for row in rows]
    axes.barh(places, ups, 0.6, color=UP, label="client to server")
    axes.barh(
        places,
        [row.down for row in rows],
        0.6,
        left=ups,
        color=DOWN,
        label="server to client",
    )
    for place, row in enumerate(rows):
        total = row.up + row.down
        axes.text(total, place, f"  {total:,}", va="center", color=INK, fontsize=11)
    axes.set_title("Bytes on the wire", loc="left", fontsize=13, color=INK)
    axes.set_xlim(0, 1.2 * max(row.up + row.down for row in rows))
    axes.set_xticks([])
    axes.legend(
        loc="center right",
        bbox_to_anchor=(1, 0.2),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
    )


def _draw_latencies(axes: Axes, rows: Sequence[Row]) -> None:
    for place, row in enumerate(rows):
        heights = [place] * len(row.latencies)
        axes.plot(row.latencies, heights, "o", color=UP, alpha=0.35, ms=8)
        axes.plot(row.median, place, "|", color=INK, ms=26, markeredgewidth=2)
        words = f"{row.median:,.1f}" if row.median < 100 else f"{row.median:,.0f}"
        axes.text(3_000, place, words, ha="right", va="center", color=INK, fontsize=11)
    axes.set_xscale("log")
    axes.set_xlim(0.2, 3_000)
    axes.minorticks_off()
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.grid(axis="x", color="#dfe3e8")
    axes.set_title("Milliseconds late", loc="left", fontsize=13, color=INK)
    axes.set_title("median", loc="right", fontsize=11, color=INK)


def describe(rows: Sequence[Row]) -> str:
    """The picture in words, for who cannot see it."""
    each = [
        f"{row.way}: {row.up + row.down:,} bytes, median {row.median:.1f} ms late"
        for row in rows
    ]
    return f"Bar chart of bytes and dots of latencies. {'; '.join(each)}."


if __name__ == "__main__":
    print(table(measure()))
    by_post, by_socket = say_back("thanks")
    print(f"one word said back: {by_post} bytes by a POST, {by_socket} by the socket")
