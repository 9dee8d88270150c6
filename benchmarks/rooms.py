"""What `broadcast` and `redis_broadcast` have measured, as tables and pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from statistics import median

from matplotlib.figure import Figure

from benchmarks import broadcast, redis_promises, report
from benchmarks import redis_broadcast as redis
from benchmarks.broadcast import CANCELLING, LIMIT, NAIVE
from benchmarks.report import Data, Length, Table


def counted(rounds: Sequence[broadcast.Round]) -> Iterator[str]:
    """What was lost, came twice or out of order; a dash where nobody counted."""
    for what in ("lost", "doubled", "disordered"):
        found = [getattr(each, what) for each in rounds]
        yield "–" if None in found else f"{sum(found):,}"


def tables_of_broadcast(data: Data) -> list[Table]:
    results, found = broadcast.read(data), list[Table]()
    head = ["thousand deliveries per CPU s: min", "median", "max", "× naive"]
    head += ["× cancel", "× limit", "thousand deliveries/s", "clients' core"]
    head += ["lost, twice, order"]
    for subscribers, rounds in results.items():
        rows = list[list[str]]()
        for name, each in rounds.items():
            rates = [one.cpu / 1000 for one in each]
            rows.append(
                [
                    name,
                    *(f"{f(rates):.1f}" for f in (min, median, max)),
                    *(
                        report.times(broadcast.ratio(results, subscribers, name, its))
                        for its in (NAIVE, CANCELLING, LIMIT)
                    ),
                    f"{median(one.wall for one in each) / 1000:.1f}",
                    f"{median(one.load for one in each):.0%}",
                    ", ".join(counted(each)),
                ]
            )
        found.append(Table(f"One speaks, {subscribers:,} listen", ["", *head], rows))
    return found


def goals_of_broadcast(data: Data) -> list[tuple[str, bool]]:
    results = broadcast.read(data)
    ours = [each for one in results.values() for each in one[broadcast.OURS]]
    wrong = sum(r.lost + r.doubled + (r.disordered or 0) for r in ours)
    text = f"chapter 4: {wrong} deliveries lost, doubled or out of order"
    return [(text, wrong == 0)]


def picture_of_broadcast(data: Data) -> Figure:
    results = broadcast.read(data)
    figure, axes = report.panels(len(results), (15, 3.2))
    for one, (subscribers, rounds) in zip(axes, results.items(), strict=True):
        rates = {name: [r.cpu / 1000 for r in found] for name, found in rounds.items()}
        report.bars(one, rates, "chapter")
        one.set_title(f"{subscribers:,} listen", loc="left", fontsize=11)
    figure.supxlabel("thousand deliveries per second of the server's CPU")
    return figure


def measure_redis(length: Length = Length.USUAL) -> Data:
    return asdict(redis.measure_all(length))


def tables_of_redis(data: Data) -> list[Table]:
    results, found = redis.read(data), list[Table]()
    head = ["lost at 50/s", "lost in a flood", "twice, order"]
    head += ["flood: thousand deliveries/s", "× race", "× limit"]
    head += ["µs CPU a delivery at 50/s: min", "median", "max", "× race", "× limit"]
    head += ["ms, half", "ms, 99 %", "clients' core", "connections at Redis"]
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
        return [*lost, wrong, *["–"] * 11, links]
    costs = [r.cost * 1e6 for r in slow]
    return [
        *lost,
        wrong,
        f"{median(r.rate for r in fast) / 1000:.1f}",
        *ratios(results, fast, lambda one: one.rate),
        *(f"{f(costs):.1f}" for f in (min, median, max)),
        *ratios(results, slow, lambda one: one.cost),
        f"{median(r.p50 or 0 for r in slow) * 1000:.1f}",
        f"{median(r.p99 or 0 for r in slow) * 1000:.1f}",
        busy(slow),
        links,
    ]


def ratios(
    results: redis.Results,
    rounds: Sequence[redis.Round],
    figure: Callable[[redis.Round], float],
) -> Iterator[str]:
    """A figure beside the race's and the limit's, round by round: the medians."""
    for name in (redis.RACE, redis.LIMIT):
        its = redis.pick(results, name, rounds[0].workers, rounds[0].flood)
        found = [figure(a) / figure(b) for a, b in zip(rounds, its, strict=False)]
        yield report.times(median(found)) if found else ""


def busy(rounds: Sequence[redis.Round]) -> str:
    """How much of a core the clients were busy."""
    loads = [each.load for each in rounds if each.load is not None]
    return f"{median(loads):.0%}" if loads else ""


def goals_of_redis(data: Data) -> list[tuple[str, bool]]:
    results = redis.read(data)
    ours = [r for r in results.rounds if r.design == redis.OURS]
    wrong = sum(r.lost + r.doubled + r.disordered for r in ours)
    found = [(f"chapter 5: {wrong} deliveries lost, doubled or disordered", wrong == 0)]
    for workers in redis.WORKERS:
        for text, ok in redis_promises.goals(results, workers):
            found.append((f"{workers} processes: {text}", ok))
    return found


def picture_of_redis(data: Data) -> Figure:
    results = redis.read(data)
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
