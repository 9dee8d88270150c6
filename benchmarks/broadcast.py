"""What it costs to tell everyone: chapter 4 beside other designs.

`python3 learn.py bench broadcast`. The notebook of chapter 4 quotes what was recorded,
in `benchmarks/results/broadcast.json`.

One client speaks, the others listen; a few of its messages are under way at any time.
The designs take turns, round after round, so that whatever else the machine does hurts
all of them alike. Where there are two cores the servers have one of them, one server at
a time, and the clients the other. Compared is what a second of the server's own CPU
time is good for; a ratio is to another design in the same round.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

import psutil

from benchmarks import peers, report
from benchmarks.load import (
    PLAIN,
    SOCKET_IO,
    Connection,
    Dialect,
    connect,
    run,
    tally,
    until,
)
from benchmarks.report import Data, Length
from benchmarks.serving import cores, cpu_time, pin, served

SUBSCRIBERS = (100, 500, 1000)
ROUNDS = {Length.SHORT: 1, Length.USUAL: 2, Length.LONG: 5}
SECONDS = 1.0  # of one design in one round
BRIEF = 0.5  # the same, where the run is not LONG
WARM_UP = 0.3  # seconds before each
WINDOW = 5  # messages under way
PATIENCE = 10.0  # seconds until what has not come is lost


@dataclass(frozen=True)
class Design:
    app: str
    options: tuple[str, ...] = ()
    dialect: Dialect = PLAIN


OURS = "chapter 4: an inbox each"
WRITE_THROUGH = "write-through"
NAIVE = "naive loop"
LIMIT = "naive loop, without FastAPI"
CANCELLING = "cancel and restart, broadcaster"

DESIGNS = {
    OURS: Design("chapters.ch04_broadcast.app:app"),
    WRITE_THROUGH: Design("benchmarks.designs.write_through:make_app", ("--factory",)),
    NAIVE: Design("benchmarks.designs.naive:app"),
    LIMIT: Design("benchmarks.designs.plain_asgi:app"),
    "gather": Design("benchmarks.designs.gathered:app"),
    CANCELLING: Design("benchmarks.designs.cancelling:app"),
    "python-socketio": Design("benchmarks.designs.socket_io:app", dialect=SOCKET_IO),
}


@dataclass(frozen=True)
class Round:
    """What one design did once. Rates are deliveries, to all clients together."""

    wall: float  # per second of the clock on the wall
    cpu: float  # per second of the server's CPU time
    load: float  # of a core, for the clients
    lost: int
    doubled: int
    disordered: int | None = None  # None: that was not counted


Results = Mapping[int, Mapping[str, Sequence[Round]]]


class Window:
    """Has some messages under way: the next goes out when one has come to all."""

    def __init__(self) -> None:
        self.bytes = 0  # that came to all listeners together
        self.said = 0
        self._enough = 0  # bytes; from here on, one more can be said
        self._say: Callable[[], None] | None = None

    def came(self, size: int) -> None:
        self.bytes += size
        while self._say is not None and self.bytes >= self._enough:
            self._say()

    def open(self, speaker: Connection) -> None:
        """Begin, one message having come to all."""
        size = self.bytes

        def say() -> None:
            speaker.say(self.said)
            self.said += 1
            self._enough = (self.said - WINDOW) * size

        self._say = say
        self.said = 1
        self.came(0)

    def close(self) -> None:
        self._say = None


async def speak(
    window: Window,
    speaker: Connection,
    listeners: Sequence[Connection],
    seconds: float,
    *meters: Callable[[], float],
) -> tuple[float, list[float]]:
    """Have messages under way for so long; deliveries, and what each meter went up."""
    speaker.say(0)
    hear = await until(lambda: all(each.size for each in listeners), PATIENCE)
    assert hear, "not all hear"
    size = window.bytes
    window.open(speaker)
    await asyncio.sleep(WARM_UP)
    before, start = window.bytes, [meter() for meter in meters]
    await asyncio.sleep(seconds)
    came, end = window.bytes - before, [meter() for meter in meters]
    window.close()
    await until(lambda: window.bytes >= window.said * size, PATIENCE)
    spent = [b - a for a, b in zip(start, end, strict=True)]
    return came / size * len(listeners), spent


async def measure(
    port: int,
    server: psutil.Process,
    dialect: Dialect,
    subscribers: int,
    seconds: float = SECONDS,
) -> Round:
    """Let one client speak to the others for so many seconds."""
    window = Window()
    speaker = await connect(port, 0, dialect)
    listeners = [
        await connect(port, number, dialect, window.came)
        for number in range(1, subscribers + 1)
    ]
    await asyncio.sleep(WARM_UP)  # who has been let in may still have to subscribe
    meters = time.perf_counter, lambda: cpu_time(server), time.process_time
    deliveries, spent = await speak(window, speaker, listeners, seconds, *meters)
    wall, cpu, own = spent
    found = tally(listeners, {0: window.said})
    for each in (speaker, *listeners):
        each.transport.abort()
    return Round(
        deliveries / wall,
        deliveries / max(cpu, 0.01),  # it has hundredths
        own / wall,
        found.lost,
        found.doubled,
        found.disordered,
    )


def measure_all(length: Length = Length.USUAL) -> Data:
    """All designs, in rooms of all sizes."""
    own, others = cores()
    pin(0, others)
    sizes = SUBSCRIBERS[:1] if length is Length.SHORT else SUBSCRIBERS
    seconds = SECONDS if length is Length.LONG else BRIEF
    results = {n: {name: list[Round]() for name in DESIGNS} for n in sizes}
    total = len(sizes) * ROUNDS[length] * len(DESIGNS)
    with ExitStack() as stack, report.progress(total) as tell:
        servers = {
            name: stack.enter_context(
                served(design.app, *design.options, python=peers.python(), on=own)
            )
            for name, design in DESIGNS.items()
        }
        for subscribers, rounds in results.items():
            for _ in range(ROUNDS[length]):
                for name, (port, server) in servers.items():
                    tell(f"broadcast: {name}, {subscribers} listen")
                    how = DESIGNS[name].dialect, subscribers, seconds
                    rounds[name].append(run(measure(port, server, *how)))
    found = {
        str(n): {name: [asdict(each) for each in found] for name, found in one.items()}
        for n, one in results.items()
    }
    return {**report.machine(), "rounds": found}


def read(data: Data) -> Results:
    """The figures of a run."""
    return {
        int(n): {name: [Round(**each) for each in found] for name, found in one.items()}
        for n, one in data["rounds"].items()
    }


def load() -> Results:
    """The figures that were recorded."""
    return read(report.read("broadcast") or {"rounds": {}})


def ratio(results: Results, subscribers: int, mine: str, its: str) -> float:
    """How many times as much a design does in a second of CPU, as a median."""
    rounds = results[subscribers]
    return median(a.cpu / b.cpu for a, b in zip(rounds[mine], rounds[its], strict=True))


def table(results: Results) -> str:
    """All figures, aligned."""
    lines = list[str]()
    for subscribers, rounds in results.items():
        title = f"one speaks, {subscribers:,} listen"
        lines += ["", f"{title:31}   thousand deliveries            times   lost or"]
        lines += [f"{'':31}  per s   per CPU s          naive  cancel   doubled"]
        for name, found in rounds.items():
            cpu = sorted(each.cpu / 1000 for each in found)
            lines.append(
                f"{name:31}{median(each.wall for each in found) / 1000:7.1f}"
                f"{median(cpu):7.1f} ({cpu[0]:.1f} to {cpu[-1]:.1f})".ljust(30)
                + f"{ratio(results, subscribers, name, NAIVE):6.2f}"
                f"{ratio(results, subscribers, name, CANCELLING):8.2f}"
                f"{sum(each.lost + each.doubled for each in found):10,}"
            )
    return "\n".join(lines[1:])
