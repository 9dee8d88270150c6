"""The figures that the notebook of chapter 5 quotes are those that were kept."""

from dataclasses import replace

import pytest

from benchmarks import redis_promises
from benchmarks.redis_broadcast import OURS, RACE, WORKERS, Results, Round, read
from workbook import book, course

CHAPTER = course.find_chapter("redis")


def made(design: str, workers: int, flood: bool, seconds: float) -> Round:
    figures = {"seconds": seconds, "cpu": seconds, "p50": seconds, "p99": seconds}
    return Round(design, workers, flood, 1000, 0, 0, 0, connections=(2, 2), **figures)


@pytest.fixture
def good() -> Results:
    """Ours takes a second for everything, the others three."""
    rounds = [
        made(design, workers, flood, 1.0 if design == OURS else 3.0)
        for design in (OURS, RACE, "python-socketio")
        for workers in WORKERS
        for flood in (False, True)
    ]
    return Results("2026-11-22", {"python": "3.11"}, rounds, {0: 1e-6, 8: 2e-6})


def test_the_notebook_shows_the_figures_that_were_kept() -> None:
    shown = [
        output.get("text", "")
        for cell in book.read(CHAPTER).cells
        for output in cell.get("outputs", [])
    ]
    kept = read()

    (table,) = [text for text in shown if "lost of all" in text]
    again = f"rebuild it: python -m workbook.book {CHAPTER.name}"
    assert redis_promises.table(kept) in table, again
    assert redis_promises.table_of_publish(kept) in table, again


def test_the_table_has_a_row_for_each_design_and_number_of_processes(
    good: Results,
) -> None:
    rows = [line.split() for line in redis_promises.table(good).splitlines()]

    ours = ["chapter", "5", "0", "0", "0", "0", "1.0", "1.0", "1000.0"]
    late = ["1000.0", "1000.0", "2→2"]
    assert rows.count([*ours, *late]) == len(WORKERS)
    assert sum(row[:1] == ["python-socketio"] for row in rows) == len(WORKERS)


def test_what_hardly_delivers_has_no_speed(good: Results) -> None:
    silent = [replace(each, lost=950) for each in good.rounds if each.design == RACE]

    text = redis_promises.table(replace(good, rounds=silent))

    assert "95.0%   95.0%" in text
    assert text.count("–") == 5 * len(WORKERS)


def test_promises_that_are_kept_are_not_named(good: Results) -> None:
    assert redis_promises.promises(good) == []


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"lost": 1}, "of ours were lost"),
        ({"doubled": 1}, "of ours were lost"),
        ({"disordered": 1}, "of ours were lost"),
        ({"seconds": 2.0}, "of the race's deliveries in a flood"),
        ({"cpu": 2.5}, "of the race's CPU"),
        ({"p99": 3.5}, "come within"),
    ],
)
def test_a_promise_that_is_broken_is_named(
    good: Results, change: dict[str, float], broken: str
) -> None:
    rounds = [
        replace(each, **change) if each.design == OURS else each for each in good.rounds
    ]

    assert broken in redis_promises.promises(replace(good, rounds=rounds))[0]
