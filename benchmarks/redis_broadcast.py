"""What it costs to tell everyone through Redis: chapter 5 beside other designs.

`python3 learn.py bench redis`. The notebook of chapter 5 quotes what was recorded, in
`benchmarks/results/redis.json`.

Twenty clients say 200 texts each, 50 in a run that is not a long one: first 50 a second
and then as fast as their sockets take them, to one process and to two. What came is
counted, text by text. The designs take turns, round after round, each on processes and
a Redis of its own, so that whatever else the machine does hurts all of them alike.
Where there are two cores the processes have one of them, Redis and the clients the
other. A ratio is to another design in the same round.
"""

import platform
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from benchmarks import peers, publishing, report, talking
from benchmarks.load import PLAIN, SOCKET_IO, Dialect, run
from benchmarks.report import Data, Length
from benchmarks.serving import cores, cpu_time, pin, served
from workbook.broker import Broker

TEXTS = {Length.SHORT: 50, Length.USUAL: 50, Length.LONG: 200}  # of each client
WORKERS = (1, 2)
ROUNDS = {Length.SHORT: 1, Length.USUAL: 2, Length.LONG: 3}


@dataclass(frozen=True)
class Design:
    app: str
    dialect: Dialect = PLAIN
    options: tuple[str, ...] = ()
    rounds: int = 2  # at most


OURS = "chapter 5"
RACE = "race, no time-out"
LIMIT = "by hand: the limit"

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
    LIMIT: Design("benchmarks.designs.plain_redis:app", rounds=3),
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


async def measure(
    design: str,
    ports: Sequence[int],
    servers: Sequence[psutil.Process],
    broker: Broker,
    texts: int,
) -> list[Round]:
    """One design, paced and in a flood: so many texts of each client."""
    before = connections(broker)
    clients = await talking.enter(ports, DESIGNS[design].dialect)
    size = await talking.probe(clients)
    found = list[Round]()
    for flood in (False, True):
        cpu = cpu_time(*servers)
        talk = await talking.converse(clients, size, texts, flood)
        cpu = cpu_time(*servers) - cpu
        heard = talking.heard(clients, talk)
        found.append(
            Round(
                design,
                len(ports),
                flood,
                **asdict(heard.counted),
                seconds=heard.seconds,
                cpu=cpu,
                p50=heard.p50,
                p99=heard.p99,
                connections=(before, connections(broker)),
                load=talk.load,
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
    names = ("uvicorn", "starlette", "fastapi")
    machine |= {"redis-py": version("redis")} | {each: version(each) for each in names}
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
