"""What `growth` has measured, as curves with their knees."""

from collections.abc import Mapping
from statistics import median

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


def picture(data: Data) -> Figure:
    """The curves, and their knees."""
    figure, (left, middle, right, last) = report.panels(4, (15, 3.4))
    sizes, loads, workers = (curve(data, w) for w in ("subscribers", "load", "workers"))
    how = {"color": report.OURS, "marker": "o", "ms": 4}
    left.plot(list(sizes), [p["wall"] / 1000 for p in sizes.values()], **how)
    left.set(xscale="log", ylim=0, xlabel="subscribers")
    left.xaxis.set_major_formatter("{x:,.0f}")
    left.set_title("thousand deliveries/s", loc="left", fontsize=10)
    shares = [100 * share for share in loads]
    middle.plot(shares, [p["cpu"] * 1e6 for p in loads.values()], **how)
    middle.set(ylim=0, xlabel="load, % of the most")
    middle.set_title("µs CPU a delivery", loc="left", fontsize=10)
    right.plot(shares, [p["p99"] * 1000 for p in loads.values()], **how)
    right.set(ylim=0, xlabel="load, % of the most")
    right.set_title("99 % come within ms", loc="left", fontsize=10)
    last.plot(list(workers), [p["rate"] / 1000 for p in workers.values()], **how)
    last.set(ylim=0, xlabel="processes", xticks=list(workers))
    last.set_title("thousand deliveries/s, through Redis", loc="left", fontsize=10)
    knees = (knee_of_cost(sizes), left, 1), (knee_of_lateness(loads), right, 100)
    for at, axes, scale in knees:
        if at is not None:
            axes.axvline(at * scale, color=report.INK, lw=1, ls=":")
            top = (at * scale, axes.get_ylim()[1])
            axes.annotate(" knee", top, va="top", color=report.INK)
    return figure
