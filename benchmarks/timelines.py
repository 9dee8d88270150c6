"""When a clock ticks while its client talks, beside when it should.

`measure()` lets ana talk to several handlers at once, each on a server of its own.
`picture()` draws what she said, when a tick was due, and when one came.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

from fastapi import FastAPI
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workbook.client import Client
from workbook.threaded import ThreadedServer

TALK = 10  # intervals that ana talks
SILENCE = 3  # intervals that she stays on, silent
OFTEN = 0.7  # of an interval between two of her texts


@dataclass(frozen=True)
class Timeline:
    """What ana said and heard. Times are in intervals since she was let in."""

    name: str
    said: list[float]
    echoed: int
    ticks: list[float]

    @property
    def due(self) -> list[int]:
        """When a tick was due, until ana fell silent."""
        return list(range(1, int(self.said[-1]) + 1))

    @property
    def came(self) -> list[float]:
        """When a tick came, until ana fell silent."""
        return [tick for tick in self.ticks if tick <= self.said[-1]]


def measure(interval: float, *handlers: Callable[..., Any]) -> list[Timeline]:
    """Talk to each handler, all at once; takes TALK + SILENCE intervals.

    Args:
        interval: seconds from tick to tick, as the handlers have it.
        handlers: each echoes what ana says, and begins its ticks with `It is`.
    """
    with ThreadPoolExecutor(len(handlers)) as pool:
        return list(pool.map(partial(_measure, interval), handlers))


def _measure(interval: float, handler: Callable[..., Any]) -> Timeline:
    app = FastAPI(title=handler.__name__)
    app.add_api_websocket_route("/ws", handler)
    with ThreadedServer(app) as server, server.connect("ana") as ana:
        start = time.monotonic()
        for number in range(round(TALK / OFTEN)):
            _wait_until(start + number * OFTEN * interval)
            ana.send(f"message {number}")
        _wait_until(start + (TALK + SILENCE - 0.5) * interval)  # when no tick is due
        return _timeline(handler.__name__, ana, interval)


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _timeline(name: str, ana: Client, interval: float) -> Timeline:
    (start,) = [event.time for event in ana.wire if event.kind == "response"]
    texts = [event for event in ana.wire if event.kind == "text"]
    heard = [event for event in texts if event.direction == "in"]
    ticks = [event for event in heard if str(event.data).startswith("It is")]
    return Timeline(
        name,
        [(e.time - start) / interval for e in texts if e.direction == "out"],
        len(heard) - len(ticks),
        [(e.time - start) / interval for e in ticks],
    )


SAID, TICK, INK, QUIET = "#1d5fbf", "#1b7f4b", "#20262d", "#59636e"


def picture(timelines: Sequence[Timeline]) -> Image:
    """The timelines, one below the other, over the same time."""
    figure = Figure(figsize=(9.6, 1.75 * len(timelines) + 0.5), dpi=110)
    figure.set_facecolor("white")
    figure.set_layout_engine("constrained", h_pad=0.1)
    panels = figure.subplots(len(timelines), 1, sharex=True)
    for axes, timeline in zip(panels, timelines, strict=True):
        _draw(axes, timeline)
    panels[-1].set_xlabel("intervals since ana came", color=INK, fontsize=11)
    png = BytesIO()
    figure.savefig(png, metadata={"Software": None})
    return Image(png.getvalue(), alt=describe(timelines))


def _draw(axes: Axes, timeline: Timeline) -> None:
    due = range(1, TALK + SILENCE)
    axes.axvspan(0, timeline.said[-1], color=SAID, alpha=0.07, lw=0)
    axes.plot(timeline.said, [2] * len(timeline.said), "|", color=SAID, ms=13, mew=2)
    axes.plot(due, [1] * len(due), "o", color=QUIET, ms=9, mfc="none")
    axes.plot(timeline.ticks, [0] * len(timeline.ticks), "o", color=TICK, ms=9)
    rows = ["tick came", "tick was due", "ana says"]
    axes.set_yticks(range(3), rows, fontsize=11)
    axes.set_ylim(-0.6, 2.6)
    axes.set_xlim(-0.3, TALK + SILENCE + 0.3)
    axes.set_xticks(range(0, TALK + SILENCE + 1, 2))
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.grid(axis="x", color="#dfe3e8")
    axes.set_axisbelow(True)
    name = axes.set_title(timeline.name, loc="left", fontsize=12, color=INK)
    name.set_family("monospace")
    axes.set_title(score(timeline), loc="right", fontsize=11, color=INK)


def score(timeline: Timeline) -> str:
    """How many ticks came of those that were due."""
    return f"while she talks: {len(timeline.came)} of {len(timeline.due)} ticks"


def describe(timelines: Sequence[Timeline]) -> str:
    """The picture in words, for who cannot see it."""
    each = [f"{timeline.name}, {score(timeline)}" for timeline in timelines]
    return f"Ticks due and ticks that came over time. {'; '.join(each)}."
