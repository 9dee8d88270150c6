"""How many processes, and which Redis: from what was measured to what is needed.

`python -m benchmarks.plan` prints the tables that stand in README.md. The arithmetic is
in `Plan`; `simulate` counts, for a small number of people, what the arithmetic says.
"""

import random
from dataclasses import dataclass
from statistics import median

from benchmarks import crowds, curves, idle, report, talking
from benchmarks import redis_broadcast as redis
from benchmarks.designs import many_rooms
from benchmarks.report import Data, Table

PEOPLE = (10_000, 1_000_000, 100_000_000)
ROOM = many_rooms.PEOPLE  # in each room
PAUSE = 60  # seconds from one text of somebody to the next
FULL = 0.6  # of a core: what is planned for, so that a bad moment has room
MEMORY = 2 * 2**30  # bytes that a process may take
MANY = 300  # listeners: the size of a room in which a delivery is as costly as in ours


@dataclass(frozen=True)
class Costs:
    """What was measured: seconds of CPU, and bytes."""

    delivery: float  # in a process with as many connections as `crowds` looked at
    text: float  # to take one, publish it and hear it, without its deliveries
    ping: float
    memory: float  # of a connection
    publish: float  # of Redis, without listeners
    listener: float  # of Redis, for each process that hears it


def costs() -> Costs | None:
    """Of the figures that were recorded; None, if some are missing."""
    kept = {name: report.read(name) for name in ("growth", "redis", "idle")}
    found = {name: data for name, data in kept.items() if data is not None}
    return costs_of(**found) if len(found) == len(kept) else None


def costs_of(growth: Data, redis: Data, idle: Data) -> Costs:
    delivery, dearer = cost_of_delivery(growth), crowds.dearer(growth)
    publish, listener = line({int(n): cost for n, cost in redis["publish"].items()})
    return Costs(
        delivery + dearer,
        max(cost_of_paced_text(redis, delivery), 0.0),
        cost_of_ping(idle),
        memory_of_one(idle),
        publish,
        listener,
    )


def cost_of_delivery(data: Data) -> float:
    """The dearest of the rooms up to MANY: what a delivery costs at worst there."""
    points = curves.curve(data, "subscribers")
    return max(one["cpu"] for at, one in points.items() if at <= MANY)


def cost_of_paced_text(data: Data, delivery: float) -> float:
    """Of a text at 50 a second: all that it took, without its deliveries."""
    rounds = [
        each
        for each in data["rounds"]
        if each["design"] == redis.OURS
        and each["workers"] == 1
        and not each["flood"]
        and each["expected"]
    ]
    heard = talking.CLIENTS - 1
    return median(r["cpu"] / r["expected"] * heard for r in rounds) - heard * delivery


def cost_of_ping(data: Data) -> float:
    return idle.cost_of_ping(data)


def memory_of_one(data: Data) -> float:
    """Chapter 4's, whose inbox and two tasks chapter 5 has as well."""
    return idle.read(data)[idle.CHAPTER_4].each * 1024


def line(points: dict[int, float]) -> tuple[float, float]:
    """The straight line that lies nearest: its start, and its slope."""
    xs, ys = list(points), list(points.values())
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    slope = sum((a - x) * (b - y) for a, b in points.items())
    slope /= sum((a - x) ** 2 for a in xs)
    return max(y - slope * x, min(ys)), slope


@dataclass(frozen=True)
class Plan:
    """What so many people need. Rates are of one second."""

    people: int
    costs: Costs

    @property
    def texts(self) -> float:
        return self.people / PAUSE

    @property
    def deliveries(self) -> float:
        return self.texts * (ROOM - 1)

    def hearing(self, processes: int) -> float:
        """In how many processes a room's people are, if chance has put them there."""
        return processes * (1 - (1 - 1 / processes) ** ROOM)

    def cpu(self, processes: int) -> float:
        """Seconds of CPU of all processes: a text is heard by each with its people."""
        pings = self.people / idle.INTERVAL * self.costs.ping
        texts = self.texts * self.hearing(processes) * self.costs.text
        return pings + texts + self.deliveries * self.costs.delivery

    @property
    def processes(self) -> int:
        """The fewest that are at most FULL, and within MEMORY."""
        memory = self.people * self.costs.memory / MEMORY
        count = max(1, int(memory + 1))
        while self.cpu(count) > count * FULL:  # hearing grows to ROOM, and no further
            count += max(1, int((self.cpu(count) / FULL - count) / 2))
        return count

    @property
    def redis(self) -> float:
        """Seconds of CPU of Redis, a channel a room."""
        each = self.costs.publish + self.hearing(self.processes) * self.costs.listener
        return self.texts * each

    @property
    def redis_of_one_channel(self) -> float:
        """The same, if all rooms shared a channel: every process hears every text."""
        each = self.costs.publish + self.processes * self.costs.listener
        return self.texts * each

    @property
    def nodes(self) -> int:
        """How many nodes carry the channels, each at most FULL."""
        return max(1, -int(-self.redis // FULL))

    @property
    def answer(self) -> str:
        if self.nodes == 1:
            return "one Redis"
        return f"sharded pub/sub on {self.nodes:,} nodes"


def simulate(people: int, processes: int, texts: int, seed: int = 6) -> tuple[int, int]:
    """Deliveries of so many texts, and processes that heard them, added up.

    Each person is in one room, and at a process that chance has chosen.
    """
    chance = random.Random(seed)
    at = [chance.randrange(processes) for _ in range(people)]
    deliveries = heard = 0
    for _ in range(texts):
        room = chance.randrange(people // ROOM)
        members = range(room * ROOM, (room + 1) * ROOM)
        deliveries += len(members) - 1
        heard += len({at[person] for person in members})
    return deliveries, heard


def tables() -> list[Table]:
    """What is needed; and what the simulation says to the arithmetic."""
    found = costs()
    return [] if found is None else [of_costs(found), needed(found), checked(found)]


def of_costs(found: Costs) -> Table:
    rows = [
        ["a delivery", f"{found.delivery * 1e6:.1f}"],
        ["a text, without its deliveries", f"{found.text * 1e6:.1f}"],
        ["a ping", f"{found.ping * 1e6:.1f}"],
        ["a PUBLISH, of Redis", f"{found.publish * 1e6:.2f}"],
        ["each process that hears it, of Redis", f"{found.listener * 1e6:.2f}"],
    ]
    note = f"Of memory: {found.memory / 1024:.1f} KiB a connection."
    return Table("What the plan counts with", ["", "µs CPU"], rows, note)


def needed(found: Costs) -> Table:
    rows = list[list[str]]()
    for plan in (Plan(people, found) for people in PEOPLE):
        count = plan.processes
        rows.append(
            [
                f"{plan.people:,}",
                f"{plan.texts:,.0f}",
                f"{plan.deliveries:,.0f}",
                f"{plan.cpu(count):,.1f}",
                f"{plan.people * found.memory / 2**30:,.1f}",
                f"{count:,}",
                f"{plan.hearing(count):.1f}",
                f"{plan.redis:,.2f}",
                f"{plan.redis_of_one_channel:,.2f}",
                plan.answer,
            ]
        )
    head = ["people", "texts/s", "deliveries/s", "cores", "GiB", "processes"]
    head += ["of them hear a text", "cores of Redis", "cores, one channel", "answer"]
    return Table("What so many people need", head, rows)


def checked(found: Costs) -> Table:
    """A simulation of 10,000 people, at several numbers of processes."""
    people, texts, rows = PEOPLE[0], 2000, list[list[str]]()
    plan = Plan(people, found)
    for processes in (1, 2, 10, 100, 1000):
        deliveries, heard = simulate(people, processes, texts)
        rows.append(
            [
                f"{processes:,}",
                f"{texts * (ROOM - 1):,}",
                f"{deliveries:,}",
                f"{texts * plan.hearing(processes):,.0f}",
                f"{heard:,}",
            ]
        )
    head = ["processes", "deliveries: sum", "counted", "processes hear: sum", "counted"]
    return Table(f"{texts:,} texts among {people:,} people, simulated", head, rows)


if __name__ == "__main__":
    print("\n\n".join(table.text() for table in tables()) or "Nothing recorded yet.")
