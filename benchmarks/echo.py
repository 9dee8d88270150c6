"""What an echo costs: chapters 1 and 3 beside the shortest, and beside the fastest.

`python3 learn.py bench echo`. Each client sends its next text when the echo is there;
each echo is compared with what it should be. The servers take turns, round after
round, there and back, so that whatever else the machine does hurts all alike. Where
there are two cores the servers have one, the clients the other. Compared is what a
second of the server's own CPU is good for, with another server in the same round.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

import psutil
from matplotlib.figure import Figure

from benchmarks import echoing, peers, report
from benchmarks.echoing import Kind
from benchmarks.load import run, until
from benchmarks.report import Data, Length, Table
from benchmarks.serving import cores, cpu_time, pin, served, started

CONNECTIONS = (1, 64, 512)
SIZES = (32, 16 * 1024)  # bytes
ROUNDS = {Length.SHORT: 1, Length.USUAL: 2, Length.LONG: 3}
SECONDS = 0.3  # of one server in one round
WARM_UP = 0.05  # seconds before each
PATIENCE = 10.0  # seconds until what has not come is lost

CHAPTER_1, CHAPTER_3 = "chapter 1", "chapter 3"
SHORTEST, LIMIT = "FastAPI, the shortest", "raw TCP: the limit"
GOAL = 0.97


@dataclass(frozen=True)
class App:
    module: str  # of an ASGI app, or that serves by itself
    on_uvicorn: bool = True
    deflate: bool = True  # whether it is measured with permessage-deflate, too


APPS = {
    CHAPTER_1: App("chapters.ch01_echo.app:app"),
    CHAPTER_3: App("chapters.ch03_dependencies.app:app"),
    SHORTEST: App("benchmarks.designs.echo_fastapi:app"),
    "Starlette": App("benchmarks.designs.echo_starlette:app", deflate=False),
    "ASGI by hand": App("benchmarks.designs.echo_asgi:app"),
    "websockets": App("benchmarks.designs.echo_websockets", False),
    "aiohttp": App("benchmarks.designs.echo_aiohttp", False),
    "picows": App("benchmarks.designs.echo_picows", False, deflate=False),
    LIMIT: App("benchmarks.designs.echo_tcp", False, deflate=False),
}


@dataclass(frozen=True)
class Round:
    """What one server did once, with texts of one kind. Rates are echoes."""

    app: str
    connections: int
    size: int
    deflate: bool
    wall: float  # per second of the clock on the wall
    cpu: float  # per second of the server's CPU
    load: float  # of a core, for the clients
    said: int
    lost: int
    doubled: int
    disordered: int


def kinds() -> Iterator[Kind]:
    for deflate in (False, True):
        for size in SIZES:
            for connections in CONNECTIONS:
                yield Kind(connections, size, deflate)


async def measure_one(
    name: str, port: int, server: psutil.Process, kind: Kind, seconds: float
) -> Round:
    """Keep all clients of a server busy for so many seconds."""
    clients = await echoing.connect(
        port, kind, raw=name == LIMIT, greeted=name == CHAPTER_3
    )
    assert await until(lambda: all(each.echoes for each in clients), PATIENCE), name
    await asyncio.sleep(WARM_UP)
    before, start = sum(each.echoes for each in clients), time.perf_counter()
    cpu, own = cpu_time(server), time.process_time()
    await asyncio.sleep(seconds)
    echoes = sum(each.echoes for each in clients) - before
    cpu, own = cpu_time(server) - cpu, time.process_time() - own
    wall = time.perf_counter() - start
    await echoing.finish(clients, PATIENCE)
    said = sum(each.said for each in clients)
    return Round(
        name,
        **asdict(kind),
        wall=echoes / wall,
        cpu=echoes / max(cpu, 0.001),
        load=own / wall,
        said=said,
        lost=said - sum(each.echoes for each in clients),
        doubled=sum(each.doubled for each in clients),
        disordered=sum(each.disordered for each in clients),
    )


def start_all(stack: ExitStack) -> dict[str, tuple[int, psutil.Process]]:
    """All servers, on one core where there are two."""
    own, others = cores()
    pin(0, others)
    how = {"python": peers.python(), "on": own}
    return {
        name: stack.enter_context(
            (served if app.on_uvicorn else started)(app.module, **how)
        )
        for name, app in APPS.items()
    }


def measure(length: Length = Length.USUAL) -> Data:
    """All servers, with texts of all kinds."""
    seconds = SECONDS / 2 if length is Length.SHORT else SECONDS
    found, numbers = list[Round](), range(ROUNDS[length])
    turns = [(n, k, name) for n in numbers for k in kinds() for name in turn(n)]
    turns = [each for each in turns if not each[1].deflate or APPS[each[2]].deflate]
    with ExitStack() as stack, report.progress(len(turns)) as tell:
        servers = start_all(stack)
        for _, kind, name in turns:
            tell(f"echo: {name}, {kind.connections} connections, {kind.title}")
            found.append(run(measure_one(name, *servers[name], kind, seconds)))
    return {**report.machine(), "rounds": [asdict(each) for each in found]}


def turn(number: int) -> list[str]:
    """Who comes after whom: the other way round in every second round."""
    return list(APPS) if number % 2 == 0 else list(reversed(APPS))


Rounds = Mapping[str, list[Round]]


def pick(data: Data, kind: Kind) -> Rounds:
    """The rounds of each server, in order."""
    rounds = [Round(**each) for each in data["rounds"]]
    same = [r for r in rounds if Kind(r.connections, r.size, r.deflate) == kind]
    return {name: here for name in APPS if (here := [r for r in same if r.app == name])}


def ratios(rounds: Rounds, mine: str, its: str) -> list[float]:
    """How many times as much one does in a second of CPU, round by round."""
    pairs = zip(rounds[mine], rounds[its], strict=True)
    return [a.cpu / b.cpu for a, b in pairs]


def tables(data: Data) -> list[Table]:
    found = list[Table]()
    for deflate in (False, True):
        for size in SIZES:
            for n in CONNECTIONS:
                kind = Kind(n, size, deflate)
                found.append(table(kind, pick(data, kind)))
    return [*found, cost_of_deflate(data)]


def table(kind: Kind, rounds: Rounds) -> Table:
    one = "1 connection" if kind.connections == 1 else f"{kind.connections} connections"
    head = ["thousand echoes per CPU s: min", "median", "max", "× shortest"]
    head += ["× limit", "thousand echoes/s", "client's core", "lost, twice, order"]
    rows = list[list[str]]()
    for name, found in rounds.items():
        rates = [each.cpu / 1000 for each in found]
        wrong = [
            sum(getattr(each, what) for each in found)
            for what in ("lost", "doubled", "disordered")
        ]
        limit = median(ratios(rounds, name, LIMIT)) if LIMIT in rounds else None
        rows.append(
            [
                name,
                *(f"{f(rates):.1f}" for f in (min, median, max)),
                report.times(median(ratios(rounds, name, SHORTEST))),
                "" if limit is None else report.times(limit),
                f"{median(each.wall for each in found) / 1000:.1f}",
                f"{median(each.load for each in found):.0%}",
                ", ".join(f"{count:,}" for count in wrong),
            ]
        )
    return Table(f"Echo of {kind.title}, {one}", ["", *head], rows)


def cost_of_deflate(data: Data) -> Table:
    """What permessage-deflate costs each server, in the same round."""
    rows = list[list[str]]()
    for name in (name for name, app in APPS.items() if app.deflate):
        cells = [name]
        for size in SIZES:
            for n in CONNECTIONS:
                off, on = (pick(data, Kind(n, size, d))[name] for d in (False, True))
                each = [b.cpu / a.cpu for a, b in zip(off, on, strict=True)]
                cells.append(report.times(median(each)))
        rows.append(cells)
    head = [f"{Kind(1, s, False).title}, {n}" for s in SIZES for n in CONNECTIONS]
    title = "Echoes per CPU s with permessage-deflate, × without"
    return Table(title, ["", *(f"× {each}" for each in head)], rows)


def goals(data: Data) -> list[tuple[str, bool]]:
    """Medians over all rounds without permessage-deflate; and what went wrong."""
    plain = [pick(data, kind) for kind in kinds() if not kind.deflate]
    found = list[tuple[str, bool]]()
    for mine, its in ((CHAPTER_1, SHORTEST), (CHAPTER_3, CHAPTER_1)):
        share = median(r for one in plain for r in ratios(one, mine, its))
        text = f"{mine} does {report.times(share)} of {its} (goal ×{GOAL})"
        found.append((text, share >= GOAL))
    rounds = [Round(**each) for each in data["rounds"]]
    ours = [each for each in rounds if each.app in (CHAPTER_1, CHAPTER_3)]
    wrong = sum(each.lost + each.doubled + each.disordered for each in ours)
    said = sum(each.said for each in ours)
    text = f"of {said:,} echoes of ours {wrong} were lost, doubled or out of order"
    return [*found, (text, wrong == 0)]


def picture(data: Data) -> Figure:
    """64 connections: each size, with and without permessage-deflate."""
    shown = [Kind(64, size, d) for d in (False, True) for size in SIZES]
    figure, axes = report.panels(len(shown), (15, 3.4))
    for one, kind in zip(axes, shown, strict=True):
        found = pick(data, kind)
        rates = {name: [r.cpu / 1000 for r in rounds] for name, rounds in found.items()}
        report.bars(one, rates, "chapter")
        one.set_title(kind.title, loc="left", fontsize=11)
    figure.supxlabel("thousand echoes per second of the server's CPU, 64 connections")
    return figure
