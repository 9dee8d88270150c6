"""Where chapters 4 and 5 spend their time, and what looking less would save.

`python3 learn.py bench hotspots`. One speaks, 200 listen; in chapter 5 only 20, or what
a text costs would not be seen beside its deliveries. First under the profiler, which
makes short functions look dearer than they are: so it says where to look, not what
there is to win. That is measured without it, in turns.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

import httpx
import psutil
from matplotlib.figure import Figure

from benchmarks import broadcast, report
from benchmarks.load import PLAIN, run
from benchmarks.report import Data, Length, Table
from benchmarks.serving import cores, pin, served
from workbook.broker import Broker

LISTENERS = 200
FEW = 20  # of chapter 5
CHAPTER_5 = "chapters.ch05_redis.app"
ROUNDS = 5
SHOWN = 12  # functions
PROFILED = "benchmarks.designs.profiled:app"

OURS = "chapter 4"
APPS = {
    OURS: "chapters.ch04_broadcast.app:app",
    "nobody is waited for": "benchmarks.designs.unheld:app",
}

PLACES = {
    "room": "chapter 4",
    "app": "chapter 4",
    "websockets_sansio_impl": "uvicorn",
    "httptools_impl": "uvicorn",
    "frames": "websockets",
    "protocol": "websockets",
    "websockets": "Starlette",
    "routing": "Starlette",
    "_exception_handler": "Starlette",
    "locks": "asyncio",
    "tasks": "asyncio",
    "timeouts": "asyncio",
}
"""Whose a module is: the names of the libraries' own files."""


def profile(own: set[int], listeners: int, **env: str) -> list[tuple[str, str, float]]:
    """Whose, which function, its own share of the time."""
    with served(PROFILED, on=own, env=env) as (port, server):
        url = f"http://127.0.0.1:{port}"
        with httpx.Client(trust_env=False, timeout=60) as client:
            client.get(f"{url}/begin")
            run(broadcast.measure(port, server, PLAIN, listeners))
            return client.get(f"{url}/profile").json()


def measure(length: Length = Length.USUAL) -> Data:
    own, others = cores()
    pin(0, others)
    rounds = 1 if length is Length.SHORT else ROUNDS
    found: dict[str, list[float]] = {name: [] for name in APPS}
    with ExitStack() as stack, report.progress(1 + rounds * len(APPS)) as tell:
        tell("hotspots: under the profiler")
        shares = [(name, share) for _, name, share in profile(own, LISTENERS)]
        with Broker(private=True) as broker:
            how = {"PROFILED": CHAPTER_5, "REDIS_URL": broker.url}
            redis = profile(own, FEW, **how)
        servers: dict[str, tuple[int, psutil.Process]] = {
            name: stack.enter_context(served(app, on=own)) for name, app in APPS.items()
        }
        for _ in range(rounds):
            for name, (port, server) in servers.items():
                tell(f"hotspots: {name}")
                work = broadcast.measure(port, server, PLAIN, LISTENERS)
                found[name].append(run(work).cpu)
    return {**report.machine(), "shares": shares, "redis": redis, "rates": found}


def owner(function: str) -> str:
    """Whose a function is, as far as its file's name tells."""
    return PLACES.get(function.partition(".")[0], "Python and others")


def tables(data: Data) -> list[Table]:
    whose = summed([(owner(name), share) for name, share in data["shares"]])
    functions = [
        [f"`{name}`", owner(name), f"{share:.1%}"]
        for name, share in data["shares"][:SHOWN]
    ]
    rates = data["rates"]
    variants = list[list[str]]()
    for name, each in rates.items():
        pairs = zip(each, rates[OURS], strict=True)
        ratio = report.times(median(mine / ours for mine, ours in pairs))
        cells = [f"{f(each) / 1000:.1f}" for f in (min, median, max)]
        variants.append([name, *cells, ratio])
    head = ["thousand deliveries per CPU s: min", "median", "max", "× chapter 4"]
    redis = [(one, share) for one, _, share in data.get("redis", [])]
    title = f"Chapter 5, {FEW} listen: whose time it is, under the profiler"
    of_redis = [Table(title, ["", "share"], summed(redis))] if redis else []
    return [
        Table("Whose time it is, under the profiler", ["", "share"], whose),
        Table("The dearest functions", ["", "whose", "share of all"], functions),
        Table(f"{LISTENERS} listen, without the profiler", ["", *head], variants),
        *of_redis,
    ]


def summed(shares: Sequence[tuple[str, float]]) -> list[list[str]]:
    """A row for each owner of a hundredth or more, the dearest first."""
    sums: dict[str, float] = {}
    for name, share in shares:
        sums[name] = sums.get(name, 0.0) + share
    ordered = sorted(sums.items(), key=lambda each: -each[1])
    return [[name, f"{share:.0%}"] for name, share in ordered if share >= 0.01]


def goals(_: Data) -> list[tuple[str, bool]]:
    return []


def picture(data: Data) -> Figure:
    figure, (axes,) = report.panels(1, (8, 3.6))
    shares: dict[str, list[Any]] = {
        name: [100 * share] for name, share in data["shares"][:SHOWN]
    }
    report.bars(axes, shares, "room")
    axes.set_xlabel("% of the time, under the profiler", fontsize=10)
    return figure
