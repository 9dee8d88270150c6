"""Each of the 62 misconceptions has a place, and it is an honest one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.test_exercises import asked, tags
from workbook import course

TABLE = Path(__file__).with_name("misconceptions.md")
ALL = {f"M{number:02}" for number in range(1, 63)}
OF_TESTS, UNSEEN, LATER = re.split(r"^## .+\n", TABLE.read_text("utf-8"), flags=re.M)[
    1:
]
SHOWN_BY_A_TEST = {"M08"}  # no answer takes the WebSocket library away


def ids(table: str) -> list[str]:
    return re.findall(r"^\| (M\d\d) \|", table, re.M)


def of_chapters() -> list[str]:
    """The numbers in the tables of the chapters."""
    tables = [chapter.tests / "misconceptions.md" for chapter in course.chapters()]
    return [id for table in tables for id in ids(table.read_text("utf-8"))]


def recognised() -> set[str | None]:
    """The numbers that a known wrong answer is told."""
    wrong = [path for exercise in course.exercises() for path in exercise.wrong]
    return {asked(path, "Misconception") for path in wrong} | SHOWN_BY_A_TEST


def test_each_has_one_place() -> None:
    places = Counter([*of_chapters(), *ids(OF_TESTS), *ids(LATER)])

    assert ALL - set(places) == set(), "without a place"
    assert set(places) - ALL == set(), "not on the list"
    assert [id for id, count in places.items() if count > 1] == []


def test_each_that_is_due_is_recognised_or_it_is_said_why_not() -> None:
    due = {*of_chapters(), *ids(OF_TESTS)}

    assert due - recognised() - set(ids(UNSEEN)) == set(), "nobody recognises"
    assert recognised() & set(ids(UNSEEN)) == set(), f"take out of {TABLE.name}"
    assert set(ids(UNSEEN)) <= due


def test_nobody_is_told_what_no_chapter_has_taught() -> None:
    assert recognised() & set(ids(LATER)) == set()


@pytest.mark.parametrize(
    ("id", "why", "taught"),
    re.findall(r"^\| (M\d\d) \| (.+) \| (.+) \|$", UNSEEN, re.M),
)
def test_what_no_check_sees_is_taught_where_it_says(
    id: str, why: str, taught: str
) -> None:
    files = [course.ROOT / path for path in re.findall(r"`(.+?)`", taught)]
    notebooks = re.findall(r"notebook (\d)", taught)

    assert len(why) > 20
    assert files or notebooks
    assert [path for path in files if not path.exists()] == []
    for number in notebooks:
        assert id in tags(course.find_chapter(number))
    for path in files:
        if path.parent.name == "docs":
            assert re.search(rf"^## {id}\b", path.read_text("utf-8"), re.M)


def test_the_three_tables_hold_all_their_rows() -> None:
    whole = TABLE.read_text("utf-8")

    assert len(ids(whole)) == whole.count("\n| M")
    assert len(ids(UNSEEN)) == len(
        re.findall(r"^\| M\d\d \| .+ \| .+ \|$", UNSEEN, re.M)
    )
