"""`python -m tests.repeat` sees the faults that it counts."""

from pathlib import Path

from tests.repeat import answers, fault
from workbook import course

ECHO = course.find_chapter("echo")
SHOUT = ECHO.exercises[0]


def named(name: str) -> Path:
    return next(path for path in SHOUT.wrong if path.stem == name)


def test_a_right_answer_that_is_refused_is_a_fault() -> None:
    said = fault((SHOUT.id, named("bye_anywhere"), True)) or ""

    assert said.startswith("refused: only bye means bye\n")
    assert "ana expected" in said


def test_a_wrong_answer_that_passes_is_a_fault() -> None:
    assert fault((SHOUT.id, SHOUT.solution, False)) == "passed"


def test_a_wrong_answer_that_is_told_something_else_is_a_fault(tmp_path: Path) -> None:
    other = tmp_path / "bye_anywhere.py"
    source = named("bye_anywhere").read_text("utf-8")
    other.write_text(source.replace("# Provokes: Only", "# Provokes: No"), "utf-8")

    assert (fault((SHOUT.id, other, False)) or "").startswith("not told 'No the whole")


def test_no_fault_is_seen_where_there_is_none() -> None:
    assert fault((SHOUT.id, SHOUT.solution, True)) is None
    assert fault((SHOUT.id, named("bye_anywhere"), False)) is None


def test_all_known_answers_are_judged() -> None:
    right = sum(1 + len(exercise.right) for exercise in ECHO.exercises)
    wrong = sum(len(exercise.wrong) for exercise in ECHO.exercises)

    assert len(answers(ECHO, "right")) == right
    assert len(answers(ECHO, "wrong")) == wrong
    assert len(answers(ECHO, None)) == right + wrong
