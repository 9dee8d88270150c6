"""How benchmarks keep and show what they found: JSON, tables, pictures, progress.

Every file of `results/` says when it was taken, on what machine and with what versions.
A table's figures have their units in the column's head: tests/test_benchmarks.py looks
there for what a text quotes.
"""

import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import peers

if TYPE_CHECKING:  # it takes half a second: who draws nothing does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESULTS = Path(__file__).with_name("results")
MINE = RESULTS / "mine"  # of whoever runs a benchmark: git ignores it

LIBRARIES = ("fastapi", "starlette", "uvicorn", "uvloop", "websockets", "redis")

INK, QUIET, OURS, PEER, LIMIT = "#20262d", "#59636e", "#1d5fbf", "#9aa4af", "#d9dee3"

Data = dict[str, Any]


class Length(Enum):
    """How long a run may take: the more rounds, the steadier a median."""

    SHORT = "short"  # a first look
    USUAL = "usual"
    LONG = "long"  # what is recorded


@dataclass(frozen=True)
class Table:
    """Figures under heads that name their units."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def text(self) -> str:
        """For a terminal."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        shown = [self.title, ""]
        for first, *rest in lines:
            cells = [f"{c:>{w}}" for c, w in zip(rest, widths[1:], strict=True)]
            shown.append("  ".join([f"{first:{widths[0]}}", *cells]).rstrip())
        return "\n".join([*shown, *([self.note] if self.note else [])])

    def markdown(self) -> str:
        """For a README."""
        marks = ["---", *["---:"] * (len(self.head) - 1)]
        rows = ["| " + " | ".join(row) + " |" for row in (self.head, marks, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *rows, *_below(self.note)])


def _below(note: str) -> list[str]:
    return ["", note] if note else []


def machine() -> Data:
    """When and where a run was made, without the names of this machine's own."""
    return {
        "taken": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": {
            "cores": psutil.cpu_count() or 1,
            "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in LIBRARIES} | pins(),
    }


def pins() -> dict[str, str]:
    """The versions of the peers that are measured."""
    lines = peers.REQUIREMENTS.read_text("utf-8").splitlines()
    found = dict(line.split("==") for line in lines if "==" in line)
    names = ("aiohttp", "picows", "broadcaster", "python-socketio", "channels-redis")
    return {name: found[name] for name in names if name in found}


def dated(data: Mapping[str, Any]) -> str:
    """One line: when, where and with what."""
    facts = dict(data["machine"])
    said = [f"{facts.pop('cores')} cores", *facts.pop("system", "").split("\n")]
    said += [f"{name} {value}" for name, value in facts.items()]
    said += [f"{name} {value}" for name, value in data.get("versions", {}).items()]
    return f"{data['taken']}: {', '.join(filter(None, said))}."


def write(folder: Path, name: str, data: Mapping[str, Any]) -> Path:
    """Keep the figures; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    return file


def read(name: str, folder: Path = RESULTS) -> Data | None:
    """The figures that were kept, if there are any."""
    file = folder / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else None


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """The median, and between what it lies: `4.0 (3.5 to 4.1)`."""
    low, high = min(values), max(values)
    return f"{median(values):{form}} ({low:{form}} to {high:{form}})"


def times(value: float) -> str:
    """A ratio, with its sign."""
    return f"×{value:.2f}"


def say(what: str) -> None:
    """Tell on standard error what comes next, where somebody looks."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what[:78]:78}")
        sys.stderr.flush()


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Tell on standard error how far it is: a line at a terminal, nothing in a file."""
    done, start = 0, time.monotonic()

    def tell(what: str) -> None:
        nonlocal done
        done += 1
        say(f"{done}/{total}  {time.monotonic() - start:3.0f} s  {what}")

    try:
        yield tell
    finally:
        say("")


def panels(count: int, size: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    """A figure with panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    found = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in found:
        axes.tick_params(length=0, colors=INK, labelsize=9)
        axes.spines[:].set_visible(False)
        axes.grid(color="#dfe3e8")
        axes.set_axisbelow(True)
    return figure, found


def bars(axes: "Axes", rounds: Mapping[str, Sequence[float]], ours: str = "") -> None:
    """A bar for each name up to the median, and a line from the least to the most."""
    for place, (name, values) in enumerate(reversed(rounds.items())):
        middle = median(values)
        color = OURS if name.startswith(ours) else PEER
        axes.barh(place, middle, 0.62, color=color)
        axes.plot([min(values), max(values)], [place] * 2, color=INK, lw=1)
        axes.text(max(values), place, f"  {middle:.3g}", va="center", fontsize=8)
    axes.set_yticks(range(len(rounds)), list(reversed(rounds)), fontsize=9)
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, 1.2 * max(max(values) for values in rounds.values()))


def save(figure: "Figure", folder: Path, name: str) -> Path:
    """Keep a picture beside the figures; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.png"
    figure.savefig(file, metadata={"Software": None})
    return file
