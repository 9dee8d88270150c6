"""The benchmarks of chapters 4 and 5 as `learn.py bench` runs them.

`benchmarks.broadcast` and `benchmarks.redis_broadcast` measure more rounds when they
are run by themselves; the figures are kept in the same files, in the same form.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from benchmarks import broadcast, report
from benchmarks import redis_broadcast as redis
from benchmarks.broadcast import CANCELLING, NAIVE
from benchmarks.load import cores, pin
from benchmarks.report import Data, Table


@contextmanager
def settings(module: Any, **values: object) -> Iterator[None]:
    """Constants of a benchmark, for a while."""
    before = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def measure_broadcast(short: bool = False) -> Data:
    how = {"ROUNDS": 1 if short else 2, "SECONDS": 0.3 if short else 0.6}
    rooms = (100,) if short else broadcast.SUBSCRIBERS
    designs, total = broadcast.DESIGNS, how["ROUNDS"] * len(rooms)
    with report.progress(int(total * len(designs))) as tell:
        measured = broadcast.measure

        def telling(port: int, server: Any, dialect: Any, subscribers: int) -> Any:
            tell(f"broadcast: one speaks, {subscribers} listen")
            return measured(port, server, dialect, subscribers)

        with settings(broadcast, SUBSCRIBERS=rooms, measure=telling, **how):
            results = broadcast.measure_all()
    rounds = {
        str(n): {name: [asdict(each) for each in found] for name, found in one.items()}
        for n, one in results.items()
    }
    return {**report.machine(), "rounds": rounds}


def read_broadcast(data: Data) -> broadcast.Results:
    return {
        int(n): {
            name: [broadcast.Round(**each) for each in found]
            for name, found in one.items()
        }
        for n, one in data["rounds"].items()
    }


def tables_of_broadcast(data: Data) -> list[Table]:
    results, found = read_broadcast(data), list[Table]()
    head = ["thousand deliveries per CPU s: min", "median", "max", "× naive"]
    head += ["× cancel", "thousand deliveries/s", "clients' core", "lost, twice"]
    for subscribers, rounds in results.items():
        rows = list[list[str]]()
        for name, each in rounds.items():
            rates = [one.cpu / 1000 for one in each]
            lost, twice = (
                sum(getattr(o, w) for o in each) for w in ("lost", "doubled")
            )
            rows.append(
                [
                    name,
                    *(f"{f(rates):.1f}" for f in (min, median, max)),
                    *(
                        report.times(broadcast.ratio(results, subscribers, name, its))
                        for its in (NAIVE, CANCELLING)
                    ),
                    f"{median(one.wall for one in each) / 1000:.1f}",
                    f"{median(one.load for one in each):.0%}",
                    f"{lost:,}, {twice:,}",
                ]
            )
        found.append(Table(f"One speaks, {subscribers:,} listen", ["", *head], rows))
    return found


def goals_of_broadcast(data: Data) -> list[tuple[str, bool]]:
    results = read_broadcast(data)
    ours = [each for one in results.values() for each in one[broadcast.OURS]]
    wrong = sum(each.lost + each.doubled for each in ours)
    return [(f"chapter 4: {wrong} deliveries lost or doubled", wrong == 0)]


def picture_of_broadcast(data: Data) -> Figure:
    results = read_broadcast(data)
    figure, axes = report.panels(len(results), (15, 3.2))
    for one, (subscribers, rounds) in zip(axes, results.items(), strict=True):
        rates = {name: [r.cpu / 1000 for r in found] for name, found in rounds.items()}
        report.bars(one, rates, "chapter")
        one.set_title(f"{subscribers:,} listen", loc="left", fontsize=11)
    figure.supxlabel("thousand deliveries per second of the server's CPU")
    return figure


def measure_redis(short: bool = False) -> Data:
    own, others = cores()
    pin(0, others)
    how = {"TEXTS": 50} if short else {}
    with settings(redis, **how):
        results = redis.measure_all(1, own)
    return asdict(results)


def read_redis(data: Data) -> redis.Results:
    rounds = [
        redis.Round(**{**each, "connections": tuple(each["connections"])})
        for each in data["rounds"]
    ]
    publish = {int(n): cost for n, cost in data["publish"].items()}
    return redis.Results(data["taken"], data["machine"], rounds, publish)


def tables_of_redis(data: Data) -> list[Table]:
    results, found = read_redis(data), list[Table]()
    head = ["lost at 50/s", "lost in a flood", "twice, order"]
    head += ["flood: thousand deliveries/s", "µs CPU a delivery at 50/s"]
    head += ["ms, half", "ms, 99 %", "connections at Redis"]
    for workers in redis.WORKERS:
        rows = [
            [name, *row(results, name, workers)]
            for name in redis.DESIGNS
            if redis.pick(results, name, workers, False)
        ]
        one = "1 process" if workers == 1 else f"{workers} processes"
        found.append(Table(f"Twenty talk through Redis, {one}", ["", *head], rows))
    costs = [[f"{n}", f"{cost * 1e6:.2f}"] for n, cost in results.publish.items()]
    title = "A PUBLISH costs Redis, by who listens"
    return [*found, Table(title, ["listeners", "µs CPU a PUBLISH"], costs)]


def row(results: redis.Results, name: str, workers: int) -> list[str]:
    slow, fast = (redis.pick(results, name, workers, flood) for flood in (False, True))
    both = [*slow, *fast]
    lost = [
        f"{sum(r.lost for r in rounds) / sum(r.expected for r in rounds):.1%}"
        for rounds in (slow, fast)
    ]
    wrong = ", ".join(
        f"{sum(getattr(r, what) for r in both):,}" for what in ("doubled", "disordered")
    )
    links = "{} → {}".format(*max(r.connections for r in both))
    if any(r.is_silent for r in both):
        return [*lost, wrong, "–", "–", "–", "–", links]
    return [
        *lost,
        wrong,
        f"{median(r.rate for r in fast) / 1000:.1f}",
        f"{median(r.cost for r in slow) * 1e6:.1f}",
        f"{median(r.p50 or 0 for r in slow) * 1000:.1f}",
        f"{median(r.p99 or 0 for r in slow) * 1000:.1f}",
        links,
    ]


def goals_of_redis(data: Data) -> list[tuple[str, bool]]:
    results = read_redis(data)
    ours = [r for r in results.rounds if r.design == redis.OURS]
    wrong = sum(r.lost + r.doubled + r.disordered for r in ours)
    found = [(f"chapter 5: {wrong} deliveries lost, doubled or disordered", wrong == 0)]
    for workers in redis.WORKERS:
        for text, ok in redis.goals(results, workers):
            found.append((f"{workers} processes: {text}", ok))
    return found


def picture_of_redis(data: Data) -> Figure:
    results = read_redis(data)
    figure, axes = report.panels(len(redis.WORKERS), (12, 3))
    for one, workers in zip(axes, redis.WORKERS, strict=True):
        costs = {
            name: [r.cost * 1e6 for r in rounds]
            for name in redis.DESIGNS
            if (rounds := redis.pick(results, name, workers, False))
            and not any(r.is_silent for r in rounds)
        }
        report.bars(one, costs, "chapter")
        title = "1 process" if workers == 1 else f"{workers} processes"
        one.set_title(title, loc="left", fontsize=11)
    figure.supxlabel("µs of CPU a delivery, at 50 texts a second from each of twenty")
    return figure
