"""The table of chapter 3's misconceptions is whole."""

import re

from workbook import course

CHAPTER = course.find_chapter("dependencies")
TABLE = (CHAPTER.tests / "misconceptions.md").read_text("utf-8")
BITE_HERE = (5, 11, 14, 16, 26, 27, 30, 31, 34, 37, 43, 44, 45, 52, 59)


def test_the_table_holds_all_that_bite_here() -> None:
    found = re.findall(r"^\| M(\d\d)", TABLE, re.M)

    assert tuple(map(int, found)) == BITE_HERE


def test_what_the_table_says_to_show_them_is_there() -> None:
    named = set(re.findall(r"`(test_\w+\.py)`", TABLE))

    assert named
    assert [name for name in named if not (CHAPTER.tests / name).exists()] == []
