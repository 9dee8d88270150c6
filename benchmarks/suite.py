"""What can be measured, and how long that takes."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from benchmarks import concurrency, echo, feedback, growth, hotspots, idle, rooms
from benchmarks.report import Data, Table


@dataclass(frozen=True)
class Bench:
    about: str
    seconds: int  # that it takes about, on a machine that does nothing else
    short: int  # the same, for a short look
    measure: Callable[[bool], Data]  # whether it is to be a short look
    tables: Callable[[Data], list[Table]]
    goals: Callable[[Data], list[tuple[str, bool]]]
    picture: Callable[[Data], Figure]


BENCHES = {
    "echo": Bench(
        "chapters 1 and 3 beside the shortest and the fastest",
        *(120, 35),
        *(echo.measure, echo.tables, echo.goals, echo.picture),
    ),
    "concurrency": Bench(
        "chapter 2 beside cancel and restart",
        *(30, 18),
        *(concurrency.measure, concurrency.tables),
        *(concurrency.goals, concurrency.picture),
    ),
    "broadcast": Bench(
        "chapter 4 beside other ways to tell everyone",
        *(80, 15),
        *(rooms.measure_broadcast, rooms.tables_of_broadcast),
        *(rooms.goals_of_broadcast, rooms.picture_of_broadcast),
    ),
    "redis": Bench(
        "chapter 5 beside other ways through Redis",
        *(100, 60),
        *(rooms.measure_redis, rooms.tables_of_redis),
        *(rooms.goals_of_redis, rooms.picture_of_redis),
    ),
    "idle": Bench(
        "memory and pings of connections that are silent",
        *(30, 15),
        *(idle.measure, idle.tables, idle.goals, idle.picture),
    ),
    "growth": Bench(
        "cost by subscribers, by load and by processes; where the knees are",
        *(70, 25),
        *(growth.measure, growth.tables, growth.goals, growth.picture),
    ),
    "hotspots": Bench(
        "where chapter 4 spends its time",
        *(20, 10),
        *(hotspots.measure, hotspots.tables, hotspots.goals, hotspots.picture),
    ),
    "feedback": Bench(
        "how long a learner waits: first page, verdict, notebook",
        *(50, 30),
        *(feedback.measure, feedback.tables, feedback.goals, feedback.picture),
    ),
}
