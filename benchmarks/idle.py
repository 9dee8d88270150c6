"""What connections cost that say nothing: memory, and the pings that look after them.

`python3 learn.py bench idle`. A fresh server each; its memory before, and when as many
clients as can be have had one echo each and are silent. uvicorn pings each client every
20 seconds; here it does so every second, so that a few seconds tell what a ping costs.
"""

import asyncio
from dataclasses import asdict, dataclass

import psutil
from matplotlib.figure import Figure

from benchmarks import echoing, peers, report
from benchmarks.echoing import Echoer, Kind
from benchmarks.load import connect, run, until
from benchmarks.report import Data, Length, Table
from benchmarks.serving import allow_files, cores, cpu_time, pin, served, started

CONNECTIONS = 2000
SPARE = 100  # files that are open besides
SECONDS = 4.0  # of pings
INTERVAL = 20  # seconds between two pings of uvicorn's, if nobody says another
PATIENCE = 20.0  # seconds that all echoes may take
CHAT = "/ws?username="


@dataclass(frozen=True)
class App:
    module: str
    deflate: bool = False  # whether the clients offer it
    options: tuple[str, ...] | None = ()  # of uvicorn; None: it serves by itself
    echoes: bool = True


CHAPTER_1 = "chapter 1"
CHAPTER_1_DEFLATE = "chapter 1, permessage-deflate"
CHAPTER_4 = "chapter 4"

APPS = {
    CHAPTER_1: App("chapters.ch01_echo.app:app", options=("--ws-ping-interval", "1")),
    CHAPTER_1_DEFLATE: App("chapters.ch01_echo.app:app", True),
    CHAPTER_4: App("chapters.ch04_broadcast.app:app", echoes=False),
    "websockets": App("benchmarks.designs.echo_websockets", options=None),
    "websockets, permessage-deflate": App(
        "benchmarks.designs.echo_websockets", True, None
    ),
    "aiohttp": App("benchmarks.designs.echo_aiohttp", options=None),
    "picows": App("benchmarks.designs.echo_picows", options=None),
}


@dataclass(frozen=True)
class Found:
    app: str
    connections: int
    before: int  # bytes of the server's memory
    after: int
    pings: int
    cpu: float  # seconds, while these pings came

    @property
    def each(self) -> float:
        """KiB of memory that a connection takes."""
        return (self.after - self.before) / self.connections / 1024


async def measure_one(
    name: str, port: int, server: psutil.Process, count: int, seconds: float
) -> Found:
    before = server.memory_info().rss
    if APPS[name].echoes:
        clients = await echoing.connect(port, Kind(count, 32, APPS[name].deflate))
        pings, cpu = await listen(clients, server, seconds)
        transports = [each.transport for each in clients]
    else:
        members = [await connect(port, number) for number in range(count)]
        transports = [each.transport for each in members]
        await asyncio.sleep(0.5)
        pings, cpu = 0, 0.0
    after = server.memory_info().rss
    for each in transports:
        each.abort()
    return Found(name, count, before, after, pings, cpu)


async def listen(
    clients: list[Echoer], server: psutil.Process, seconds: float
) -> tuple[int, float]:
    """Let each have one echo, then be silent; pings, and the CPU they took."""
    for each in clients:
        each.stop()
    assert await until(lambda: all(each.echoes for each in clients), PATIENCE)
    await asyncio.sleep(1)
    pings, cpu = sum(each.pings for each in clients), cpu_time(server)
    if pings:  # a second has passed: else there are none so often
        await asyncio.sleep(seconds)
    pings = sum(each.pings for each in clients) - pings
    return pings, cpu_time(server) - cpu


def measure(length: Length = Length.USUAL) -> Data:
    """All servers, one after the other."""
    short = length is Length.SHORT
    own, others = cores()
    pin(0, others)
    wanted = CONNECTIONS // 4 if short else CONNECTIONS
    count = min(wanted, allow_files(wanted + SPARE) - SPARE)
    found = list[Found]()
    with report.progress(len(APPS)) as tell:
        for name, app in APPS.items():
            tell(f"idle: {count} connections, {name}")
            start = started if app.options is None else served
            options = app.options or ()
            with start(app.module, *options, python=peers.python(), on=own) as (p, s):
                seconds = SECONDS / 2 if short else SECONDS
                found.append(run(measure_one(name, p, s, count, seconds)))
    return {**report.machine(), "found": [asdict(each) for each in found]}


def read(data: Data) -> dict[str, Found]:
    return {each["app"]: Found(**each) for each in data["found"]}


def cost_of_ping(data: Data) -> float:
    """Seconds of CPU that one ping of uvicorn's, and its answer, take."""
    found = read(data)[CHAPTER_1]
    return found.cpu / max(found.pings, 1)


def tables(data: Data) -> list[Table]:
    found = read(data).values()
    rows = [
        [
            each.app,
            f"{each.connections:,}",
            f"{each.before / 2**20:.1f}",
            f"{each.after / 2**20:.1f}",
            f"{each.each:.1f}",
        ]
        for each in found
    ]
    head = ["", "connections", "MiB before", "MiB after", "KiB a connection"]
    ping = cost_of_ping(data)
    share = ping * 1000 / INTERVAL
    cells = [f"{ping * 1e6:.1f}", f"{share:.2%}"]
    head_of_pings = ["", "µs CPU a ping", "% of a core for 1,000, every 20 s"]
    return [
        Table("Memory of silent connections", head, rows),
        Table("Pings of uvicorn", head_of_pings, [["chapter 1", *cells]]),
    ]


def goals(_: Data) -> list[tuple[str, bool]]:
    return []


def picture(data: Data) -> Figure:
    figure, (axes,) = report.panels(1, (8, 3.2))
    report.bars(axes, {n: [each.each] for n, each in read(data).items()}, "chapter")
    axes.set_xlabel("KiB of the server's memory a connection", fontsize=10)
    return figure
