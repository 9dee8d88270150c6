"""What two long-lived tasks cost, and what cancelling and restarting them costs.

`python3 learn.py bench concurrency` prints two tables: the echo rate of chapter 2
beside that of chapter 1 and of a loop that races its tasks anew for each message; and
the clocks of both under a client that never stops talking.

The rates are taken in turn, round after round, so that whatever else the machine does
hurts all of them alike. Where there are two cores the server has one of them and the
load the other. Compared is what a second of the server's own CPU time is good for: that
is the echo rate where it has a core for itself, and hardly less where it has not. A
round's ratio is to the same round of chapter 2.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import cast

import psutil
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from matplotlib.figure import Figure

from benchmarks import report
from benchmarks.load import ROOT, cores, cpu_time, pin, run, served
from benchmarks.report import Data, Table
from workbook.server import Server

TIME_INTERVAL = 10.0  # seconds, of the loop below

OURS = "chapter 2: two long-lived tasks"
RESTARTING = "cancel and restart"

APPS = {
    OURS: "chapters.ch02_concurrency.app:app",
    RESTARTING: "benchmarks.concurrency:restarting",
    "chapter 1: echo alone": "chapters.ch01_echo.app:app",
}

CONNECTIONS = 64
PAYLOAD = b"x" * 32
ROUNDS = 5
SECONDS = 0.8  # of one app in one round
WARM_UP = 0.2  # seconds before each
START = 30.0  # seconds that an app may take until all its clients have an echo

INTERVAL = 0.5  # seconds between two ticks under chatter
INTERVALS = 20
OFTEN = 0.8  # of an interval between two texts of the client
TEXTS = 1 + round(INTERVALS / OFTEN)

restarting = FastAPI(title="Cancel and restart")


async def echo_once(websocket: WebSocket) -> None:
    text = await websocket.receive_text()
    await websocket.send_text(f"Message text was: {text}")


async def send_time_once(websocket: WebSocket) -> None:
    await asyncio.sleep(TIME_INTERVAL)
    await websocket.send_text(f"It is: {datetime.now(UTC).isoformat()}")


@restarting.websocket("/ws")
async def race(websocket: WebSocket) -> None:
    """The loop that many meet first: whoever is second begins anew."""
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            tasks = {
                asyncio.create_task(echo_once(websocket)),
                asyncio.create_task(send_time_once(websocket)),
            }
            done, pending = await asyncio.wait(
                tasks, return_when=asyncio.FIRST_COMPLETED
            )
            for task in pending:
                task.cancel()
            for task in done:
                task.result()


class Load(asyncio.Protocol):
    """A client that sends its text again as soon as the echo is there.

    A WebSocket library would be busier with each message than the server.
    """

    HANDSHAKE = (
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    )
    FRAME = bytes([0x81, 0x80 | len(PAYLOAD)]) + bytes(4) + PAYLOAD
    ANSWER = 2 + len(b"Message text was: ") + len(PAYLOAD)  # bytes of its frame

    def __init__(self) -> None:
        self.echoes = 0
        self.first = asyncio.Event()
        self._buffer = b""
        self._open = False
        self._missing = self.ANSWER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        if not self._open:
            self._buffer += data
            self._open = self._buffer.endswith(b"\r\n\r\n")
            if self._open:
                assert self._buffer.startswith(b"HTTP/1.1 101 "), self._buffer
                self.transport.write(self.FRAME)
            return
        self._missing -= len(data)
        if self._missing == 0:
            self.echoes += 1
            self.first.set()
            self._missing = self.ANSWER
            self.transport.write(self.FRAME)


@dataclass(frozen=True)
class Rate:
    """Echoes of all connections together, per second."""

    wall: float  # of the clock on the wall
    cpu: float  # of the server's CPU time


async def echo_rate(port: int, server: psutil.Process) -> Rate:
    """Keep all connections busy for `SECONDS`."""
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(Load, "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    load = [protocol for _, protocol in opened]
    async with asyncio.timeout(START):
        await asyncio.gather(*(each.first.wait() for each in load))
    await asyncio.sleep(WARM_UP)
    before, start, cpu = count(load), time.perf_counter(), cpu_time(server)
    await asyncio.sleep(SECONDS)
    echoes = count(load) - before
    rate = Rate(
        echoes / (time.perf_counter() - start), echoes / (cpu_time(server) - cpu)
    )
    for transport, _ in opened:
        transport.abort()
    return rate


def count(load: Sequence[Load]) -> int:
    return sum(each.echoes for each in load)


def measure_rates(rounds: int) -> dict[str, list[Rate]]:
    """The rates of each app, one a round."""
    own, others = cores()
    rates: dict[str, list[Rate]] = {name: [] for name in APPS}
    pin(0, others)
    with ExitStack() as stack, report.progress(rounds * len(APPS)) as tell:
        servers = {n: stack.enter_context(served(a, on=own)) for n, a in APPS.items()}
        for _ in range(rounds):
            for name, (port, server) in servers.items():
                tell(f"concurrency: {name}")
                rates[name].append(run(echo_rate(port, server)))
    pin(0, own | others)
    return rates


def keep_time(file: Path, app: str) -> tuple[int, list[float]]:
    """Talk for `INTERVALS`; the echoes that came, and how late each tick came.

    Lateness is a share of an interval, by the server's own clock, since the client
    was let in.
    """
    with Server(file, app=app, constants={"TIME_INTERVAL": INTERVAL}) as server:
        with server.connect("ana") as ana:
            began, start = datetime.now(UTC), time.monotonic()
            for number in range(TEXTS):
                due = start + number * OFTEN * INTERVAL
                time.sleep(max(0.0, due - time.monotonic()))
                ana.send(f"{number}")
            time.sleep(INTERVAL / 2)  # the last tick may be late
        came = [str(e.data) for e in server.wire if e.kind == "text"]
        echoes = [text for text in came if text.startswith("Message text was: ")]
        ticks = [text.removeprefix("It is: ") for text in came if "It is: " in text]
    times = [(datetime.fromisoformat(t) - began).total_seconds() for t in ticks]
    late = [seconds / INTERVAL - number for number, seconds in enumerate(times, 1)]
    return len(echoes), late


def measure_clocks() -> dict[str, tuple[int, list[float]]]:
    """Echoes and ticks of both, at the same time."""
    files = {
        OURS: (ROOT / "chapters" / "ch02_concurrency" / "app.py", "app"),
        RESTARTING: (Path(__file__).resolve(), "restarting"),
    }
    report.say("concurrency: the clocks")
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda name: keep_time(*files[name]), files)
        return dict(zip(files, found, strict=True))


def measure(short: bool = False) -> Data:
    rates = measure_rates(1 if short else ROUNDS)
    return {
        **report.machine(),
        "rates": {name: [asdict(each) for each in r] for name, r in rates.items()},
        "clocks": measure_clocks(),
    }


def per_cpu(data: Data) -> dict[str, list[float]]:
    """Thousand echoes per second of CPU, round by round."""
    return {n: [each["cpu"] / 1000 for each in r] for n, r in data["rates"].items()}


def ratio(data: Data, name: str) -> float:
    """How many times as much as the restarting loop one does, as a median."""
    rates = per_cpu(data)
    pairs = zip(rates[name], rates[RESTARTING], strict=True)
    return median(mine / its for mine, its in pairs)


def tables(data: Data) -> list[Table]:
    rows = [
        [
            name,
            *(f"{f(rates):.1f}" for f in (min, median, max)),
            report.times(ratio(data, name)),
            f"{median(r['wall'] for r in data['rates'][name]) / 1000:.1f}",
        ]
        for name, rates in per_cpu(data).items()
    ]
    head = ["thousand echoes per CPU s: min", "median", "max", "× restart"]
    clocks = [
        [
            name,
            f"{echoes} of {TEXTS}",
            f"{len(late)} of {INTERVALS}",
            f"{max(late):.3f}" if late else "none came",
        ]
        for name, (echoes, late) in data["clocks"].items()
    ]
    often = f"one text every {OFTEN:g} of an interval"
    return [
        Table(
            f"Echo beside a clock, {CONNECTIONS} connections, {len(PAYLOAD)} B",
            ["", *head, "thousand echoes/s"],
            rows,
        ),
        Table(
            f"The clock under a client that talks: {often}",
            ["", "echoes", "ticks", "latest, in intervals"],
            clocks,
        ),
    ]


def goals(data: Data) -> list[tuple[str, bool]]:
    echoes, late = data["clocks"][OURS]
    text = f"chapter 2: {echoes} of {TEXTS} echoes, {len(late)} of {INTERVALS} ticks"
    share = ratio(data, OURS)
    return [
        (text, echoes == TEXTS and len(late) == INTERVALS),
        (f"chapter 2 does {report.times(share)} of cancel and restart", share > 1),
    ]


def picture(data: Data) -> Figure:
    figure, (axes,) = report.panels(1, (8, 2.2))
    report.bars(axes, per_cpu(data), "chapter")
    axes.set_xlabel("thousand echoes per second of the server's CPU", fontsize=10)
    return figure


if __name__ == "__main__":
    for one in tables(measure()):
        print(one.text(), end="\n\n")
