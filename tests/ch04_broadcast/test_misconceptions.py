"""The table of chapter 4's misconceptions is whole."""

import re

from workbook import course

CHAPTER = course.find_chapter("broadcast")
TABLE = (CHAPTER.tests / "misconceptions.md").read_text("utf-8")
BITE_HERE = (1, 2, 10, 15, 18, 32, 49, 51, 60)


def test_the_table_holds_all_that_bite_here() -> None:
    found = re.findall(r"^\| M(\d\d)", TABLE, re.M)

    assert tuple(map(int, found)) == BITE_HERE


def test_what_the_table_says_to_show_them_is_there() -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", TABLE))

    assert named
    assert [name for name in named if not (CHAPTER.tests / name).exists()] == []
