"""What can be measured, and how long that takes."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from benchmarks import (
    broadcast,
    concurrency,
    curves,
    echo,
    feedback,
    growth,
    hotspots,
    idle,
    rooms,
)
from benchmarks.report import Data, Length, Table


@dataclass(frozen=True)
class Bench:
    about: str
    times: tuple[int, int, int]  # seconds that it takes about, of each Length
    measure: Callable[[Length], Data]
    tables: Callable[[Data], list[Table]]
    goals: Callable[[Data], list[tuple[str, bool]]]
    picture: Callable[[Data], Figure]

    def seconds(self, length: Length) -> int:
        return self.times[list(Length).index(length)]


BENCHES = {
    "echo": Bench(
        "chapters 1 and 3 beside the shortest and the fastest",
        (35, 80, 120),
        *(echo.measure, echo.tables, echo.goals, echo.picture),
    ),
    "concurrency": Bench(
        "chapter 2 beside cancel and restart",
        (18, 30, 30),
        *(concurrency.measure, concurrency.tables),
        *(concurrency.goals, concurrency.picture),
    ),
    "broadcast": Bench(
        "chapter 4 beside other ways to tell everyone",
        (15, 75, 230),
        *(broadcast.measure_all, rooms.tables_of_broadcast),
        *(rooms.goals_of_broadcast, rooms.picture_of_broadcast),
    ),
    "redis": Bench(
        "chapter 5 beside other ways through Redis",
        (60, 100, 300),
        *(rooms.measure_redis, rooms.tables_of_redis),
        *(rooms.goals_of_redis, rooms.picture_of_redis),
    ),
    "idle": Bench(
        "memory and pings of connections that are silent",
        (12, 20, 20),
        *(idle.measure, idle.tables, idle.goals, idle.picture),
    ),
    "growth": Bench(
        "cost by subscribers, by load and by processes; where the knees are",
        (45, 110, 140),
        *(growth.measure, curves.tables, curves.goals, curves.picture),
    ),
    "hotspots": Bench(
        "where chapters 4 and 5 spend their time",
        (10, 20, 20),
        *(hotspots.measure, hotspots.tables, hotspots.goals, hotspots.picture),
    ),
    "feedback": Bench(
        "how long a learner waits: first page, verdict, notebook",
        (30, 60, 60),
        *(feedback.measure, feedback.tables, feedback.goals, feedback.picture),
    ),
}
