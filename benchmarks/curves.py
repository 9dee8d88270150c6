"""What `growth` has measured, as curves with their knees."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import crowds, report
from benchmarks.growth import LISTENERS
from benchmarks.report import Data, Table

BENT = 1.25  # a cost has grown by so much: there is the knee
LATE = 5.0  # the 99th percentile has

Curve = dict[float, dict[str, float]]


def curve(data: Data, what: str) -> Curve:
    """The medians of one part: what there was of it → name → figure."""
    if what == "subscribers":
        pairs = [(int(n), one) for each in data[what] for n, one in each.items()]
    else:
        key = {"load": "share", "workers": "workers"}[what]
        pairs = [(each[key], each) for each in data[what]]
    found = Curve()
    for at in sorted({at for at, _ in pairs}):
        same = [one for place, one in pairs if place == at]
        found[at] = {name: median(one[name] for one in same) for name in same[0]}
    return found


def knee_of_cost(points: Curve) -> float | None:
    """From how many on a delivery costs BENT times what it costs at best."""
    best = min(points, key=lambda at: points[at]["cpu"])
    limit = BENT * points[best]["cpu"]
    return next((at for at in points if at > best and points[at]["cpu"] > limit), None)


def knee_of_lateness(points: Curve) -> float | None:
    """The last share of the load before the 99th percentile is LATE times the best."""
    limit = LATE * min(one["p99"] for one in points.values())
    last = None
    for at, one in points.items():
        if one["p99"] > limit:
            return last
        last = at
    return None


def tables(data: Data) -> list[Table]:
    sizes, loads, workers = (curve(data, w) for w in ("subscribers", "load", "workers"))
    bent, late = knee_of_cost(sizes), knee_of_lateness(loads)
    growth = [
        [f"{n:,.0f}", f"{p['wall'] / 1000:.1f}", f"{p['cpu'] * 1e6:.2f}", busy(p)]
        for n, p in sizes.items()
    ]
    load = [
        [
            f"{share:.0%}",
            *(f"{p[name] / 1000:.1f}" for name in ("offered", "delivered")),
            f"{p['cpu'] * 1e6:.2f}",
            *(f"{p[name] * 1000:.2f}" for name in ("p50", "p99")),
            busy(p),
        ]
        for share, p in loads.items()
    ]
    many = [
        [
            f"{n:.0f}",
            f"{p['rate'] / 1000:.1f}",
            *(f"{p[name] * 1e6:.2f}" for name in ("cpu", "redis")),
            busy(p),
        ]
        for n, p in workers.items()
    ]
    rate, cost, own = "thousand deliveries/s", "µs CPU a delivery", "clients' core"
    head = ["share of the most", f"offered, {rate}", rate, cost, "ms, half", "ms, 99 %"]
    return [
        Table(
            "Chapter 4, one speaks to so many",
            ["listen", rate, cost, own],
            growth,
            knee(bent, "From {:,.0f} on a delivery costs a quarter more than at best."),
        ),
        Table(
            f"Chapter 4, {LISTENERS} listen, by load",
            [*head, own],
            load,
            knee(
                late, "The knee is at {:.0%}: beyond it 99 % wait five times as long."
            ),
        ),
        Table(
            f"Chapter 5, {LISTENERS} listen in so many processes",
            ["processes", rate, cost, "µs CPU of Redis a delivery", own],
            many,
            "Clients, processes and Redis share the cores here.",
        ),
        *crowds.tables(data),
    ]


def busy(point: Mapping[str, float]) -> str:
    """How much of a core the clients were busy."""
    return f"{point['load']:.0%}" if "load" in point else ""


def knee(at: float | None, text: str) -> str:
    return "No knee was met." if at is None else text.format(at)


def goals(data: Data) -> list[tuple[str, bool]]:
    parts = ("load", "workers", "collector", "rooms")
    each = [one for part in parts for one in data.get(part, [])]
    each += [one for found in data["subscribers"] for one in found.values()]
    wrong = sum(one["wrong"] for one in each)
    return [(f"{wrong} deliveries were lost, doubled or out of order", wrong == 0)]


LINE: dict[str, Any] = {"color": report.OURS, "marker": "o", "ms": 4}


def picture(data: Data) -> Figure:
    """The curves, and their knees."""
    figure, (left, cost, middle, right, last) = report.panels(5, (18, 3.4))
    sizes, loads, workers = (curve(data, w) for w in ("subscribers", "load", "workers"))
    draw(left, "subscribers", "thousand deliveries/s", sizes, "wall", 1e-3)
    draw(cost, "subscribers", "µs CPU a delivery", sizes, "cpu", 1e6)
    draw(middle, "load, % of the most", "µs CPU a delivery", loads, "cpu", 1e6)
    draw(right, "load, % of the most", "99 % come within ms", loads, "p99", 1e3)
    title = "thousand deliveries/s, through Redis"
    draw(last, "processes", title, workers, "rate", 1e-3)
    last.set_xticks(list(workers))
    for axes in (left, cost):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
    if held := crowds.held_back(data):
        costs = [each * 1e6 for each in held.values()]
        how = {**LINE, "color": report.QUIET, "ls": "--"}
        cost.plot(list(held), costs, **how, label="collector held back")
        cost.legend(frameon=False, fontsize=8)
    bent, late = knee_of_cost(sizes), knee_of_lateness(loads)
    for at, axes in ((bent, left), (bent, cost), (late, right)):
        if at is not None:
            at = at * 100 if axes is right else at
            axes.axvline(at, color=report.INK, lw=1, ls=":")
            top = (at, axes.get_ylim()[1])
            axes.annotate(" knee", top, va="top", color=report.INK)
    return figure


def draw(
    axes: Axes, below: str, title: str, points: Curve, name: str, scale: float
) -> None:
    """One curve. A share of the load is drawn in per cent."""
    places = [100 * at if points[at].get("offered") else at for at in points]
    axes.plot(places, [each[name] * scale for each in points.values()], **LINE)
    axes.set(ylim=0, xlabel=below)
    axes.set_title(title, loc="left", fontsize=10)
