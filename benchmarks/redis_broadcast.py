"""What it costs to tell everyone through Redis: chapter 5 beside other designs.

`python3 learn.py bench redis`. The notebook of chapter 5 quotes what was recorded, in
`benchmarks/results/redis.json`.

Twenty clients say 200 texts each, first 50 a second and then as fast as their sockets
take them, to one process and to two. What came is counted, text by text. The designs
take turns, round after round, each on processes and a Redis of its own, so that
whatever else the machine does hurts all of them alike. Where there are two cores the
processes have one of them, Redis and the clients the other. A ratio is to another
design in the same round.
"""

import asyncio
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import quantiles

import psutil

from benchmarks import peers, publishing, report
from benchmarks.load import PLAIN, SOCKET_IO, Connection, Dialect, connect, run, tally
from benchmarks.report import Data, Length
from benchmarks.serving import cores, cpu_time, pin, served
from workbook.broker import Broker

CLIENTS = 20
FIRST = 10  # the number of the first client: all names are of one length
TEXTS = {Length.SHORT: 50, Length.USUAL: 200, Length.LONG: 200}  # of each client
PACE = 50.0  # texts a second of each client, where they do not flood
WORKERS = (1, 2)
ROUNDS = {Length.SHORT: 1, Length.USUAL: 1, Length.LONG: 3}

PROBES = 10  # texts at most until all clients hear each other
HEARD = 0.3  # seconds that a probe may take
QUIET = 1.5  # seconds of silence, from which on what has not come is lost
PATIENCE = 60.0  # seconds, whatever comes


@dataclass(frozen=True)
class Design:
    app: str
    dialect: Dialect = PLAIN
    options: tuple[str, ...] = ()
    rounds: int = 2  # at most


OURS = "chapter 5"
RACE = "race, no time-out"

DESIGNS = {
    OURS: Design("chapters.ch05_redis.app:app", rounds=3),
    RACE: Design("benchmarks.designs.cancelling_untimed:app", rounds=3),
    # A process of it is silent, or loses: once is enough.
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
    load: float | None = None  # of a core, for the clients; None: nobody looked

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


def schedule(
    clients: Sequence[Connection], texts: int, flood: bool
) -> Iterator[tuple[float, int]]:
    """When each text is due, in seconds, and by which client."""
    for number in range(texts):
        for at in range(len(clients)):
            yield (0.0 if flood else (number + at / len(clients)) / PACE), at


async def converse(
    clients: Sequence[Connection], size: float, texts: int, flood: bool
) -> tuple[float, dict[tuple[int, int], float]]:
    """Let all say what they have to; when it began, and when each text was said."""
    said = dict[tuple[int, int], float]()
    counts = [0] * len(clients)
    start = time.perf_counter()
    for due, at in schedule(clients, texts, flood):
        early = start + due - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        client, number = clients[at], counts[at]
        counts[at] += 1
        said[client.number, number] = time.perf_counter()
        client.say(number)
    await until_quiet(clients, size * texts * (len(clients) - 1))
    return start, said


async def measure(
    design: str,
    ports: Sequence[int],
    servers: Sequence[psutil.Process],
    broker: Broker,
    texts: int,
) -> list[Round]:
    """One design, paced and in a flood: so many texts of each client."""
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
        cpu, own, begin = cpu_time(*servers), time.process_time(), time.perf_counter()
        start, said = await converse(clients, size, texts, flood)
        cpu, own = cpu_time(*servers) - cpu, time.process_time() - own
        load = own / (time.perf_counter() - begin)
        counted = tally(clients, {each.number: texts for each in clients})
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
                load=load,
            )
        )
    for each in clients:
        each.transport.abort()
    return found


def connections(broker: Broker) -> int:
    """How many Redis has, without the one that asks."""
    return int(broker.client.info("clients")["connected_clients"]) - 1


def serve_and_measure(
    name: str, workers: int, texts: int, own: set[int]
) -> list[Round]:
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
        return run(measure(name, ports, servers, broker, texts))


def measure_all(length: Length = Length.USUAL) -> Results:
    """All designs, round after round."""
    own, others = cores()
    pin(0, others)
    turns = [
        (workers, name)
        for number in range(ROUNDS[length])
        for workers in WORKERS
        for name, design in DESIGNS.items()
        if number < design.rounds
    ]
    found = list[Round]()
    with report.progress(len(turns)) as tell, Broker(private=True) as broker:
        for workers, name in turns:
            tell(f"redis: {name}, processes: {workers}")
            found += serve_and_measure(name, workers, TEXTS[length], own)
        costs = publishing.measure(broker)
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


def read(data: Data | None = None) -> Results:
    """The figures of a run, or of the one that was recorded."""
    data = data or report.read("redis") or {}
    rounds = [
        Round(**{**each, "connections": tuple(each["connections"])})
        for each in data["rounds"]
    ]
    publish = {int(n): cost for n, cost in data["publish"].items()}
    return Results(data["taken"], data["machine"], rounds, publish)


def pick(results: Results, design: str, workers: int, flood: bool) -> list[Round]:
    """The rounds of one kind, in order."""
    wanted = (design, workers, flood)
    return [r for r in results.rounds if (r.design, r.workers, r.flood) == wanted]
