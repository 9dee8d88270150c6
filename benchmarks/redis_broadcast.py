"""What it costs to tell everyone through Redis: chapter 5 beside other designs.

`python -m benchmarks.redis_broadcast` measures them in about five minutes, prints the
tables, says whether the chapter keeps its promises, and keeps the figures in
`benchmarks/results/redis.json`: the notebook of chapter 5 quotes them from there.

Twenty clients say 200 texts each, first 50 a second and then as fast as their sockets
take them, to one process and to two. What came is counted, text by text. The designs
take turns, round after round, each on processes and a Redis of its own, so that
whatever else the machine does hurts all of them alike. Where there are two cores the
processes have one of them, Redis and the clients the other. A ratio is to another
design in the same round.
"""

import argparse
import asyncio
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import cast
from urllib.parse import urlsplit

import psutil

from benchmarks import peers
from benchmarks.load import (
    PLAIN,
    SOCKET_IO,
    Connection,
    Dialect,
    connect,
    cores,
    cpu_time,
    pin,
    run,
    served,
    tally,
)
from workbook.broker import HOST, Broker

RESULTS = Path(__file__).with_name("results") / "redis.json"

CLIENTS = 20
FIRST = 10  # the number of the first client: all names are of one length
TEXTS = 200  # of each client
PACE = 50.0  # texts a second of each client, where they do not flood
WORKERS = (1, 2)
ROUNDS = 3

PROBES = 10  # texts at most until all clients hear each other
HEARD = 0.3  # seconds that a probe may take
QUIET = 1.5  # seconds of silence, from which on what has not come is lost
PATIENCE = 60.0  # seconds, whatever comes

WORK = 400_000  # in units of a quarter of a PUBLISH without a listener
BATCH = 20  # that are under way at once
LISTENERS = (0, 1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Design:
    app: str
    dialect: Dialect = PLAIN
    options: tuple[str, ...] = ()
    rounds: int = 2  # of ROUNDS


OURS = "chapter 5"
RACE = "race, no time-out"

DESIGNS = {
    OURS: Design("chapters.ch05_redis.app:app", rounds=ROUNDS),
    RACE: Design("benchmarks.designs.cancelling_untimed:app", rounds=ROUNDS),
    # With Python 3.11 it is silent: once is enough.
    "race on broadcaster": Design("benchmarks.designs.cancelling:app", rounds=1),
    "a subscription each": Design("benchmarks.designs.one_subscription_each:app"),
    "python-socketio": Design("benchmarks.designs.socket_io:app", SOCKET_IO),
    "channels, pub/sub": Design(
        "benchmarks.designs.channels_pubsub:app", options=("--lifespan", "off")
    ),
}


@dataclass(frozen=True)
class Round:
    """What one design did once."""

    design: str
    workers: int
    flood: bool
    expected: int  # deliveries
    lost: int
    doubled: int
    disordered: int
    seconds: float  # from the first text to the last delivery
    cpu: float  # seconds of all its processes
    p50: float | None  # seconds from a text to its delivery; None if there was none
    p99: float | None
    connections: tuple[int, int]  # at Redis, without clients and in the end

    @property
    def delivered(self) -> int:
        return self.expected - self.lost + self.doubled

    @property
    def is_silent(self) -> bool:
        """Whether so little came that its speed says nothing."""
        return self.delivered < self.expected / 10

    @property
    def rate(self) -> float:
        """Deliveries per second of the clock on the wall."""
        return self.delivered / self.seconds

    @property
    def cost(self) -> float:
        """Seconds of CPU per delivery; without end where there was none."""
        return self.cpu / self.delivered if self.delivered else float("inf")


@dataclass(frozen=True)
class Results:
    """One run. A PUBLISH costs Redis, by the number of listeners, seconds of CPU."""

    taken: str
    machine: dict[str, str | int]
    rounds: list[Round]
    publish: dict[int, float]


async def until_quiet(clients: Sequence[Connection], enough: float) -> None:
    """Wait until all have got this many bytes each, or nothing comes any more."""
    before, since = -1, time.perf_counter()
    end = since + PATIENCE
    while min(each.size for each in clients) < enough:
        came, now = sum(each.size for each in clients), time.perf_counter()
        if came != before:
            before, since = came, now
        if now - since > QUIET or now > end:
            return
        await asyncio.sleep(0.005)


async def probe(clients: Sequence[Connection]) -> float:
    """Have all clients heard by all, if it can be; the bytes of one delivery."""
    size = float("inf")
    for number in range(PROBES):
        for each in clients:
            each.forget()
        clients[0].say(number)
        clients[1].say(number)
        deadline = time.perf_counter() + HEARD
        while any(not each.size for each in clients):
            await asyncio.sleep(0.005)
            if time.perf_counter() > deadline:
                break
        else:
            await asyncio.sleep(HEARD)  # all but these two have got two by now
            size = clients[0].size
            break
    for each in clients:
        each.forget()
    return size


def schedule(clients: Sequence[Connection], flood: bool) -> Iterator[tuple[float, int]]:
    """When each text is due, in seconds, and by which client."""
    for number in range(TEXTS):
        for at in range(len(clients)):
            yield (0.0 if flood else (number + at / len(clients)) / PACE), at


async def converse(
    clients: Sequence[Connection], size: float, flood: bool
) -> tuple[float, dict[tuple[int, int], float]]:
    """Let all say what they have to; when it began, and when each text was said."""
    said = dict[tuple[int, int], float]()
    counts = [0] * len(clients)
    start = time.perf_counter()
    for due, at in schedule(clients, flood):
        early = start + due - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        client, number = clients[at], counts[at]
        counts[at] += 1
        said[client.number, number] = time.perf_counter()
        client.say(number)
    await until_quiet(clients, size * TEXTS * (len(clients) - 1))
    return start, said


async def measure(
    design: str, ports: Sequence[int], servers: Sequence[psutil.Process], broker: Broker
) -> list[Round]:
    """One design, paced and in a flood."""
    before = connections(broker)
    clients = [
        await connect(ports[n % len(ports)], FIRST + n, DESIGNS[design].dialect)
        for n in range(CLIENTS)
    ]
    size = await probe(clients)
    found = list[Round]()
    for flood in (False, True):
        for each in clients:
            each.forget()
        cpu = cpu_time(*servers)
        start, said = await converse(clients, size, flood)
        cpu = cpu_time(*servers) - cpu
        counted = tally(clients, {each.number: TEXTS for each in clients})
        heard = [
            (t, t - said[who, n]) for each in clients for t, who, n in each.heard()
        ]
        late = sorted(seconds for _, seconds in heard)
        cuts = quantiles(late, n=100, method="inclusive") if len(late) > 1 else None
        found.append(
            Round(
                design,
                len(ports),
                flood,
                **asdict(counted),
                seconds=max((t for t, _ in heard), default=start + QUIET) - start,
                cpu=cpu,
                p50=cuts[49] if cuts else None,
                p99=cuts[98] if cuts else None,
                connections=(before, connections(broker)),
            )
        )
    for each in clients:
        each.transport.abort()
    return found


def connections(broker: Broker) -> int:
    """How many Redis has, without the one that asks."""
    return int(broker.client.info("clients")["connected_clients"]) - 1


def serve_and_measure(name: str, workers: int, own: set[int]) -> list[Round]:
    """One design, served by this many processes on these cores."""
    design = DESIGNS[name]
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(private=True))
        env = {"REDIS_URL": broker.url}
        pairs = [
            stack.enter_context(
                served(
                    design.app, *design.options, python=peers.python(), env=env, on=own
                )
            )
            for _ in range(workers)
        ]
        ports, servers = zip(*pairs, strict=True)
        return run(measure(name, ports, servers, broker))


class Counter(asyncio.Protocol):
    """A connection to Redis that counts the bytes that come."""

    def __init__(self) -> None:
        self.size = 0
        self._enough = asyncio.Event()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if self.size >= self._wanted:
            self._enough.set()

    def ask(self, *words: str, times: int = 1) -> None:
        bulks = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        self.transport.write(f"*{len(words)}\r\n{bulks}".encode() * times)

    async def answered(self, size: int) -> None:
        self._wanted = size
        self._enough.clear()
        if self.size < size:
            async with asyncio.timeout(PATIENCE):
                await self._enough.wait()


async def publish(broker: Broker, listeners: int) -> float:
    """Seconds of Redis' CPU that one PUBLISH of 100 bytes takes."""
    loop, port = asyncio.get_running_loop(), urlsplit(broker.url).port or 6379
    opened = [
        (await loop.create_connection(Counter, HOST, port))[1]
        for _ in range(listeners + 1)
    ]
    publisher, *others = opened
    for each in others:
        each.ask("SUBSCRIBE", "chat")
        await each.answered(1)
    redis = psutil.Process(broker.pid)
    answer, cpu = len(f":{listeners}\r\n"), cpu_time(redis)
    batches = WORK // (listeners + 4) // BATCH
    for batch in range(batches):
        publisher.ask("PUBLISH", "chat", "x" * 100, times=BATCH)
        await publisher.answered((batch + 1) * BATCH * answer)
    cpu = cpu_time(redis) - cpu
    for each in opened:
        each.transport.abort()
    return cpu / (batches * BATCH)


def measure_all(rounds: int, own: set[int]) -> Results:
    """All designs, round after round."""
    found = list[Round]()
    for number in range(rounds):
        for workers in WORKERS:
            for name, design in DESIGNS.items():
                if number < design.rounds:
                    print(f"round {number + 1}, {workers}: {name}", file=sys.stderr)
                    found += serve_and_measure(name, workers, own)
    with Broker(private=True) as broker:
        costs = {n: run(publish(broker, n)) for n in LISTENERS}
        engine = broker.name.partition(",")[0]
    machine = {
        "cores": psutil.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "redis": engine,
    }
    names = ("redis", "uvicorn", "starlette", "fastapi")
    machine |= {
        name if name != "redis" else "redis-py": version(name) for name in names
    }
    return Results(f"{datetime.now(UTC):%Y-%m-%d}", machine, found, costs)


def write(results: Results) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(asdict(results), indent=1) + "\n", "utf-8")


def read() -> Results:
    """What the last run found that was kept."""
    found = json.loads(RESULTS.read_text("utf-8"))
    rounds = [
        Round(**{**each, "connections": tuple(each["connections"])})
        for each in found["rounds"]
    ]
    publish = {int(n): cost for n, cost in found["publish"].items()}
    return Results(found["taken"], found["machine"], rounds, publish)


def pick(results: Results, design: str, workers: int, flood: bool) -> list[Round]:
    """The rounds of one kind, in order."""
    wanted = (design, workers, flood)
    return [r for r in results.rounds if (r.design, r.workers, r.flood) == wanted]


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
    paced = {name: pick(results, name, workers, False) for name in DESIGNS}
    lossy = [name for name, rounds in paced.items() if any(r.lost for r in rounds)]
    p99 = {
        name: median(r.p99 or float("inf") for r in rounds)
        for name, rounds in paced.items()
        if rounds and (name == OURS or name not in lossy)
    }
    best = min(p99, key=lambda name: p99[name])
    told = f"99 % come within {p99[OURS] * 1000:.1f} ms; of those that lose nothing"
    told += f" the best is {best}"
    if lossy:
        told += f" (not compared, for they lose: {', '.join(lossy)})"
    return told, best == OURS


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--keep", action="store_true", help="do not write the figures")
    chosen = parser.parse_args()
    own, others = cores()
    pin(0, others)
    results = measure_all(chosen.rounds, own)
    if not chosen.keep:
        write(results)
    print(table(results), table_of_publish(results), sep="\n\n")
    print(f"\nEach goal is asked of {' and of '.join(map(named, WORKERS))}:")
    for workers in WORKERS:
        for text, ok in [whole(results, workers), *goals(results, workers)]:
            print(f"{'kept  ' if ok else 'broken'}  {named(workers)}: {text}")
    return 1 if promises(results) else 0


if __name__ == "__main__":
    sys.exit(main())
