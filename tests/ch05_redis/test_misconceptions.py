"""The table of chapter 5's misconceptions is whole."""

import re

from workbook import course

CHAPTER = course.find_chapter("redis")
TABLE = (CHAPTER.tests / "misconceptions.md").read_text("utf-8")
BITE_HERE = (4, 13, 29, 39, 54, 55)


def test_the_table_holds_all_that_bite_here() -> None:
    found = re.findall(r"^\| M(\d\d)", TABLE, re.M)

    assert tuple(map(int, found)) == BITE_HERE


def test_each_is_taught_and_recognised() -> None:
    rows = re.findall(r"^\| M\d\d \| .+ \| (.+) \| (.+) \|$", TABLE, re.M)

    assert len(rows) == len(BITE_HERE)
    for taught, recognised in rows:
        assert "notebook" in taught
        assert re.search(r"`ex\d_\w+/\w+\.py`", recognised)
