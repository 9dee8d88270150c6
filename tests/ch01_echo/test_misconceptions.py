"""The misconceptions of chapter 1 that no known wrong answer can show."""

import re

from workbook import course
from workbook.answer import Answer
from workbook.diagnosis import explain
from workbook.failure import Failure
from workbook.server import Server

CHAPTER = course.find_chapter("echo")
BITE_HERE = ["M07", "M08", "M25", "M35", "M41", "M42", "M46", "M47", "M48", "M61"]


def test_the_table_holds_all_that_bite_here() -> None:
    table = (CHAPTER.tests / "misconceptions.md").read_text("utf-8")

    assert re.findall(r"^\| (M\d\d)", table, re.M) == BITE_HERE


def test_a_missing_websocket_library_is_recognised() -> None:
    file = CHAPTER.exercises[0].solution

    with Answer(file) as answer:
        # Without a library uvicorn serves as it does when told to do without.
        answer.server = Server(file, process=answer.process, ws="none")
        try:
            answer.connect("ana")
        except Failure as failure:
            refusal = failure
        explain(refusal, answer)

    assert refusal.misconception == "M08"
    assert refusal.hint is not None
    assert "learn.py doctor" in refusal.hint
    assert refusal.got == "HTTP 404 Not Found"
