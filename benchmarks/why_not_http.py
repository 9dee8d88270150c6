"""The same news told five ways: what each costs on the wire, and how late it comes.

`measure()` runs all five at once against one server, each through a relay that
counts what crosses its sockets. `python -m benchmarks.why_not_http` prints a table.
"""

import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import httpx
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.news import PATIENCE, WAYS, Relay, make_app
from workbook.client import Client
from workbook.threaded import ThreadedServer


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
