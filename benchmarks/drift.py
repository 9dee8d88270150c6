"""How late an event loop runs while one handler works, and who waits for it.

`measure()` serves an echo beside a meter in the same loop; ana makes its handler do
some work, bo says something every few milliseconds. `python -m benchmarks.drift`
prints what three ways to wait come to.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import count
from typing import Self

from fastapi import FastAPI, WebSocket
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbook.client import Client
from workbook.threaded import ThreadedServer
from workbook.wire import Wire

STEP = 0.01  # seconds from one look at the clock to the next
PAUSE = 0.025  # seconds between two words of bo
LEAD = 0.1  # seconds before ana's word
REST = 0.45  # seconds that bo talks on
PATIENCE = 10.0  # seconds that a client waits for an answer
STILL = 0.15  # seconds in which not even a thread that only sleeps gets a turn
TRIES = 20  # for a measurement during which no such moment came

Work = Callable[[], object]


@dataclass(frozen=True)
class Drift:
    """What one way came to. Times are seconds since ana's word.

    Each look of the meter is a time and how late it was, in seconds; each of bo's
    words is a time and how long its answer took.
    """

    way: str
    looks: list[tuple[float, float]]
    waits: list[tuple[float, float]]

    @property
    def late(self) -> float:
        """By how much the loop was late at worst, in seconds."""
        return max(late for _, late in self.looks)

    @property
    def longest(self) -> float:
        """How long bo waited for an answer at worst, in seconds."""
        return max(wait for _, wait in self.waits)


async def look(wire: Wire, looks: list[tuple[float, float]]) -> None:
    """Wake up every STEP seconds and note by how much it was later."""
    while True:
        before = wire.now()
        await asyncio.sleep(STEP)
        looks.append((wire.now(), wire.now() - before - STEP))


def make_app(work: Work, wire: Wire, looks: list[tuple[float, float]]) -> FastAPI:
    """An echo that works when it is told to, and a meter beside it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            meter = tasks.create_task(look(wire, looks))
            yield
            meter.cancel()

    app = FastAPI(title="Drift", lifespan=lifespan)

    @app.websocket("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            if text == "work" and inspect.isawaitable(result := work()):
                await result
            await websocket.send_text(text)

    return app


def measure(way: str, work: Work) -> Drift:
    """Let a handler do `work`, which is awaited if it can be; takes about a second."""
    wire, looks = Wire(), list[tuple[float, float]]()
    numbers = count()
    with (
        ThreadedServer(make_app(work, wire, looks)) as server,
        server.connect("ana", wire=wire, reply=PATIENCE) as ana,
        server.connect("bo", wire=wire, reply=PATIENCE) as bo,
    ):
        begin = wire.now()
        talk(bo, LEAD, numbers)
        start = wire.now()
        ana.send("work")
        talk(bo, REST, numbers)
        for number in range(next(numbers)):
            bo.expect(str(number))
        ana.expect("work")
        end = wire.now()
    seen = [(at - start, late) for at, late in looks if begin <= at <= end]
    return Drift(way, seen, [(at - start, wait) for at, wait in answers(bo)])


def talk(client: Client, seconds: float, numbers: Iterator[int]) -> None:
    """Say a number every PAUSE seconds, whatever is answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        client.send(str(next(numbers)))
        time.sleep(PAUSE)


def answers(client: Client) -> list[tuple[float, float]]:
    """When each text was sent, and how many seconds its answer took."""
    mine = [e for e in client.wire if e.client == client.name and e.kind == "text"]
    sent = [event.time for event in mine if event.direction == "out"]
    came = [event.time for event in mine if event.direction == "in"]
    return [(at, back - at) for at, back in zip(sent, came, strict=True)]


def measure_all(ways: Mapping[str, Work]) -> list[Drift]:
    """All ways at once, each on a server with a loop of its own.

    Where the whole machine stood still meanwhile, each of them was late: again.
    """
    drifts: list[Drift] = []
    for _ in range(TRIES):
        with Sleeper() as sleeper, ThreadPoolExecutor(len(ways)) as pool:
            drifts = list(pool.map(measure, ways, ways.values()))
        if sleeper.late < STILL:
            break
    return drifts


class Sleeper:
    """A thread that only sleeps, and notes by how much it woke up later at worst."""

    def __init__(self) -> None:
        self.late = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sleep)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sleep(self) -> None:
        before = time.monotonic()
        while not self._over.wait(STEP):
            now = time.monotonic()
            self.late, before = max(self.late, now - before - STEP), now


def table(drifts: Sequence[Drift]) -> str:
    """The ways, aligned, for a terminal or a notebook."""
    lines = [f"{'ana makes her handler do':44}{'loop late by':>14}{'bo waited':>12}"]
    for drift in drifts:
        late, wait = drift.late * 1000, drift.longest * 1000
        lines.append(f"{drift.way:44}{late:11.0f} ms{wait:9.0f} ms")
    return "\n".join(lines)


LATE, WAIT, INK, QUIET = "#c0262d", "#1d5fbf", "#20262d", "#59636e"


def picture(drifts: Sequence[Drift]) -> Image:
    """The ways side by side: how long the loop had no turn, how long bo waited."""
    figure = Figure(figsize=(9.6, 3.4), dpi=110, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.1)
    panels = figure.subplots(1, len(drifts), sharex=True, sharey=True)
    for axes, drift in zip(panels, drifts, strict=True):
        _draw(axes, drift)
    panels[0].set_ylabel("milliseconds", color=INK, fontsize=11)
    panels[1].legend(loc="upper center", frameon=False, fontsize=10, labelcolor=INK)
    figure.supxlabel("milliseconds since ana's word", color=INK, fontsize=11)
    png = BytesIO()
    figure.savefig(png, metadata={"Software": None})
    return Image(png.getvalue(), alt=describe(drifts))


def _draw(axes: Axes, drift: Drift) -> None:
    # From one turn to the next the time without a turn grows; then it is 0 again.
    times, heights = [], []
    for at, late in drift.looks:
        times += [(at - late) * 1000, at * 1000, at * 1000]
        heights += [0, late * 1000, 0]
    axes.fill_between(times, heights, color=LATE, alpha=0.18, lw=0)
    axes.plot(times, heights, color=LATE, lw=1.3, label="the loop is late by")
    sent = [at * 1000 for at, _ in drift.waits]
    waited = [wait * 1000 for _, wait in drift.waits]
    axes.plot(sent, waited, "o", color=WAIT, ms=4, label="bo waits for an answer")
    axes.axvline(0, color=QUIET, lw=0.8, ls=":")
    axes.set_title(drift.way.replace("(time.", "(\ntime."), fontsize=11, color=INK)
    axes.tick_params(length=0, colors=INK, labelsize=10)
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color="#dfe3e8")
    axes.set_axisbelow(True)
    axes.set_ylim(-10, 400)


def describe(drifts: Sequence[Drift]) -> str:
    """The picture in words, for who cannot see it."""
    each = [
        f"{drift.way}: the loop was late by up to {drift.late * 1000:.0f} ms, "
        f"bo waited up to {drift.longest * 1000:.0f} ms"
        for drift in drifts
    ]
    return f"How late the loop runs over time. {'; '.join(each)}."


if __name__ == "__main__":
    naps: dict[str, Work] = {
        "time.sleep(0.3)": partial(time.sleep, 0.3),
        "await asyncio.sleep(0.3)": partial(asyncio.sleep, 0.3),
        "await asyncio.to_thread(time.sleep, 0.3)": partial(
            asyncio.to_thread, time.sleep, 0.3
        ),
    }
    print(table(measure_all(naps)))
