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
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
from matplotlib.figure import Figure

from benchmarks import echoing, report
from benchmarks.echoing import Echoer, Kind
from benchmarks.load import run, until
from benchmarks.report import Data, Length, Table
from benchmarks.serving import ROOT, cores, cpu_time, pin, served
from workbook.server import Server

OURS = "chapter 2: two long-lived tasks"
RESTARTING = "cancel and restart"

ALONE = "chapter 1: echo alone"

APPS = {
    OURS: "chapters.ch02_concurrency.app:app",
    RESTARTING: "benchmarks.designs.restarting:app",
    ALONE: "chapters.ch01_echo.app:app",
}

KIND = Kind(connections=64, size=32, deflate=False)
ROUNDS = 5
SECONDS = 0.8  # of one app in one round
WARM_UP = 0.2  # seconds before each
START = 30.0  # seconds that an app may take until all its clients have an echo

INTERVAL = 0.5  # seconds between two ticks under chatter
INTERVALS = 20
OFTEN = 0.8  # of an interval between two texts of the client
TEXTS = 1 + round(INTERVALS / OFTEN)


@dataclass(frozen=True)
class Rate:
    """What one app did once. Rates are echoes of all connections together."""

    wall: float  # per second of the clock on the wall
    cpu: float  # per second of the server's CPU time
    load: float  # of a core, for the clients
    lost: int
    doubled: int
    disordered: int


async def echo_rate(port: int, server: psutil.Process) -> Rate:
    """Keep all connections busy for `SECONDS`."""
    clients = await echoing.connect(port, KIND)
    assert await until(lambda: all(each.echoes for each in clients), START)
    await asyncio.sleep(WARM_UP)
    before, start = count(clients), time.perf_counter()
    cpu, own = cpu_time(server), time.process_time()
    await asyncio.sleep(SECONDS)
    echoes, wall = count(clients) - before, time.perf_counter() - start
    cpu, own = cpu_time(server) - cpu, time.process_time() - own
    await echoing.finish(clients, START)
    return Rate(
        echoes / wall,
        echoes / cpu,
        own / wall,
        sum(each.said for each in clients) - count(clients),
        sum(each.doubled for each in clients),
        sum(each.disordered for each in clients),
    )


def count(clients: Sequence[Echoer]) -> int:
    return sum(each.echoes for each in clients)


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


def keep_time(file: Path) -> tuple[int, list[float]]:
    """Talk for `INTERVALS`; the echoes that came, and how late each tick came.

    Lateness is a share of an interval, by the server's own clock, since the client
    was let in.
    """
    with Server(file, constants={"TIME_INTERVAL": INTERVAL}) as server:
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
        OURS: ROOT / "chapters" / "ch02_concurrency" / "app.py",
        RESTARTING: ROOT / "benchmarks" / "designs" / "restarting.py",
    }
    report.say("concurrency: the clocks")
    with ThreadPoolExecutor() as pool:
        found = pool.map(keep_time, files.values())
        return dict(zip(files, found, strict=True))


def measure(length: Length = Length.USUAL) -> Data:
    rates = measure_rates(1 if length is Length.SHORT else ROUNDS)
    return {
        **report.machine(),
        "rates": {name: [asdict(each) for each in r] for name, r in rates.items()},
        "clocks": measure_clocks(),
    }


def per_cpu(data: Data) -> dict[str, list[float]]:
    """Thousand echoes per second of CPU, round by round."""
    return {n: [each["cpu"] / 1000 for each in r] for n, r in data["rates"].items()}


def ratio(data: Data, name: str, its: str = RESTARTING) -> float:
    """How many times as much as another one does, as a median."""
    rates = per_cpu(data)
    pairs = zip(rates[name], rates[its], strict=True)
    return median(a / b for a, b in pairs)


def wrong(data: Data, name: str) -> str:
    """Echoes that were lost, came twice or were not what was next."""
    rounds = data["rates"][name]
    kinds = [k for k in ("lost", "doubled", "disordered") if k in rounds[0]]
    return ", ".join(f"{sum(each[kind] for each in rounds):,}" for kind in kinds)


def busy(data: Data, name: str) -> str:
    """How much of a core the clients were busy."""
    rounds = data["rates"][name]
    return f"{median(r['load'] for r in rounds):.0%}" if "load" in rounds[0] else ""


def tables(data: Data) -> list[Table]:
    rows = [
        [
            name,
            *(f"{f(rates):.1f}" for f in (min, median, max)),
            report.times(ratio(data, name)),
            report.times(ratio(data, name, ALONE)),
            f"{median(r['wall'] for r in data['rates'][name]) / 1000:.1f}",
            busy(data, name),
            wrong(data, name),
        ]
        for name, rates in per_cpu(data).items()
    ]
    head = ["thousand echoes per CPU s: min", "median", "max", "× restart", "× alone"]
    head += ["thousand echoes/s", "client's core", "lost, twice, order"]
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
            f"Echo beside a clock, {KIND.connections} connections, {KIND.title}",
            ["", *head],
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
