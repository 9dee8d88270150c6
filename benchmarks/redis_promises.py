"""The figures of chapter 5 in a notebook's width, and what the chapter promises."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from benchmarks.redis_broadcast import (
    DESIGNS,
    LIMIT,
    OURS,
    RACE,
    WORKERS,
    Results,
    Round,
    pick,
)


def table(results: Results) -> str:
    """All figures, aligned: sums over all rounds, and medians of the rounds."""
    said = [f"{name} {it}" for name, it in results.machine.items()]
    lines = [f"{results.taken}: {', '.join(said[:4])},", f"{', '.join(said[4:])}"]
    for workers in WORKERS:
        lines += [
            "",
            f"{named(workers):20}   lost of all   twice order  flood, 1000/s   us CPU"
            "  ms late, 50/s    Redis",
            f"{'':20}  50/s   flood                wall  CPU s  at 50/s"
            "    half    99%   conn.",
        ]
        for design in DESIGNS:
            slow, fast = (pick(results, design, workers, f) for f in (False, True))
            if slow:
                lines.append(f"{design:20}{row(slow, fast)}")
    return "\n".join(lines)


def row(slow: Sequence[Round], fast: Sequence[Round]) -> str:
    def lost(rounds: Sequence[Round]) -> str:
        share = sum(r.lost for r in rounds) / sum(r.expected for r in rounds)
        return f"{share:.1%}" if share else "0"

    def mid(rounds: Sequence[Round], what: Callable[[Round], float]) -> float:
        return median(what(r) for r in rounds)

    both = [*slow, *fast]
    counted = (
        f"{lost(slow):>6}{lost(fast):>8}{sum(r.doubled for r in both):8,}"
        f"{sum(r.disordered for r in both):6,}"
    )
    links = "{}→{}".format(*max(r.connections for r in both))
    if any(r.is_silent for r in both):
        return f"{counted}{'–':>9}{'–':>7}{'–':>8}{'–':>8}{'–':>7}{links:>8}"
    return (
        f"{counted}{mid(fast, lambda r: r.rate / 1000):9.1f}"
        f"{mid(fast, lambda r: 1 / r.cost / 1000):7.1f}"
        f"{mid(slow, lambda r: r.cost * 1e6):8.1f}"
        f"{mid(slow, lambda r: (r.p50 or 0) * 1000):8.1f}"
        f"{mid(slow, lambda r: (r.p99 or 0) * 1000):7.1f}{links:>8}"
    )


def table_of_publish(results: Results) -> str:
    """What one PUBLISH costs Redis, by the number of those who listen."""
    counts = "".join(f"{n:8}" for n in results.publish)
    costs = "".join(f"{cost * 1e6:8.1f}" for cost in results.publish.values())
    return f"listeners        {counts}\nus CPU a PUBLISH {costs}"


def promises(results: Results) -> list[str]:
    """The promises of the chapter that these figures do not keep."""
    return [
        f"{named(workers)}: {text}"
        for workers in WORKERS
        for text, ok in [whole(results, workers), *goals(results, workers)]
        if not ok
    ]


def named(workers: int) -> str:
    return "1 process" if workers == 1 else f"{workers} processes"


def whole(results: Results, workers: int) -> tuple[str, bool]:
    """The goal of every run of ours: what was said has come, once and in order."""
    ours = [r for r in results.rounds if (r.design, r.workers) == (OURS, workers)]
    bad = sum(r.lost + r.doubled + r.disordered for r in ours)
    return f"{bad:,} of ours were lost, doubled or out of order (0)", bad == 0


def goals(results: Results, workers: int) -> Iterator[tuple[str, bool]]:
    """Each timed goal with its figure, and whether so many processes reach it."""
    slow, fast = (pick(results, OURS, workers, flood) for flood in (False, True))
    its_slow, its_fast = (pick(results, RACE, workers, f) for f in (False, True))
    pairs = list(zip(fast, its_fast, strict=True))
    times = median(mine.rate / its.rate for mine, its in pairs)
    yield f"x{times:.2f} of the race's deliveries in a flood (at least x2)", times >= 2
    pairs = list(zip(slow, its_slow, strict=True))
    share = median(mine.cost / its.cost for mine, its in pairs)
    cpu = f"x{share:.2f} of the race's CPU per delivery at 50/s (at most x0.67)"
    yield cpu, share <= 0.67
    yield waiting(results, workers)


def waiting(results: Results, workers: int) -> tuple[str, bool]:
    """The goal of the slowest hundredth. Who loses texts delivers the easy ones."""
    peers = [name for name in DESIGNS if name != LIMIT]
    paced = {name: pick(results, name, workers, False) for name in peers}
    lossy = [name for name, rounds in paced.items() if any(r.lost for r in rounds)]
    p99 = {
        name: median(r.p99 or float("inf") for r in rounds)
        for name, rounds in paced.items()
        if rounds and (name == OURS or name not in lossy)
    }
    best = min(p99, key=lambda name: p99[name])
    told = f"99 % come within {p99[OURS] * 1000:.1f} ms; of those that lose nothing,"
    told += f" the limit aside, the best is {best}"
    if lossy:
        told += f" (not compared, for they lose: {', '.join(lossy)})"
    return told, best == OURS
