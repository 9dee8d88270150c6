"""What must be true of every exercise. They are found by folder, not by name.

The checks themselves stand in `tests/chNN_word/test_exercises.py`, which pytest gives
the solution; here each known answer is judged as `learn.py check` judges the learner's.
"""

import ast
import difflib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from workbook import checks, course, terminal
from workbook.checks import Verdict
from workbook.course import Chapter, Exercise
from workbook.failure import Failure

EXERCISES = course.exercises()
RIGHT = [(exercise, path) for exercise in EXERCISES for path in exercise.right]
WRONG = [(exercise, path) for exercise in EXERCISES for path in exercise.wrong]
TABLES = [
    path
    for chapter in course.chapters()
    if (path := chapter.tests / "misconceptions.md").exists()
]

REPLY = 1.5
"""Seconds for an answer. Who is wrong may be late as well: it stays a no."""

TELLING = 20
"""Characters from which on a line of the solution gives it away."""

each_exercise = pytest.mark.parametrize(
    "exercise", EXERCISES, ids=lambda exercise: exercise.id
)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def secrets(exercise: Exercise) -> set[str]:
    """The lines of the solution that a learner has to find."""
    given = {line.strip() for line in lines(exercise.shipped)}
    found = {line.strip() for line in lines(exercise.solution)} - given
    return {line for line in found if len(line) >= TELLING}


def changes(exercise: Exercise) -> list[str]:
    """What a diff from the exercise to its solution shows, as `-` and `+` lines."""
    diff = difflib.unified_diff(
        lines(exercise.shipped), lines(exercise.solution), n=0, lineterm=""
    )
    return [line for line in diff if not line.startswith(("---", "+++", "@@"))]


def failure_of(verdict: Verdict) -> Failure:
    """The failure as the learner reads it: in a file of the exercise's name."""
    assert verdict.failure is not None, f"{verdict.file} passes"
    where = verdict.failure.where
    if where is not None and where.file == str(verdict.file):
        verdict.failure.where = replace(where, file=str(verdict.exercise.path))
    return verdict.failure


def expect_good_message(verdict: Verdict) -> None:
    """It fits and says what came and what should have come, but not the solution."""
    failure = failure_of(verdict)
    told = terminal.plain(failure, verdict.wire)
    labels = [label for label, _ in failure.lines]
    whole = " ".join(words for _, words in terminal.message(failure))

    assert max(map(len, told.splitlines())) <= terminal.WIDTH
    assert len(terminal.message(failure)) <= 6, told
    assert labels[-1] == "hint", told
    assert any(label.endswith("got") for label in labels)
    assert any(label.endswith("expected") for label in labels)
    assert not [line for line in secrets(verdict.exercise) if line in failure.hint]
    assert not re.search(r"\b(stupid|silly|obviously|simply|just)\b", whole)


def asked(path: Path, name: str) -> str | None:
    """What the head of a known wrong answer says after `# Name: `."""
    for line in lines(path)[:2]:
        if line.startswith(f"# {name}: "):
            return line.removeprefix(f"# {name}: ")
    return None


@each_exercise
def test_it_says_what_to_do_and_how_to_check_it(exercise: Exercise) -> None:
    docstring = ast.get_docstring(ast.parse(exercise.shipped.read_text("utf-8")))

    assert docstring is not None
    assert docstring.splitlines()[0] == f"Exercise {exercise.id}: {exercise.title}."
    assert f"learn.py check {exercise.id}" in docstring
    assert docstring in exercise.solution.read_text("utf-8")


@each_exercise
def test_it_has_one_todo_and_its_solution_none(exercise: Exercise) -> None:
    assert exercise.shipped.read_text("utf-8").count("# TODO:") == 1
    assert "TODO" not in exercise.solution.read_text("utf-8")


@each_exercise
def test_it_is_small_and_so_is_the_step_to_its_solution(exercise: Exercise) -> None:
    changed = changes(exercise)
    # A Redis needs its client, its listener, and a lifespan that keeps both.
    more = 20 if "REDIS_URL" in exercise.shipped.read_text("utf-8") else 0

    assert len(lines(exercise.shipped)) <= 40 + more
    assert len(lines(exercise.solution)) <= 45 + more
    assert len(changed) <= 15 + more // 2, "\n".join(changed)
    assert any(line.startswith("+") and "# " in line for line in changed)


@each_exercise
def test_it_has_three_hints_that_keep_the_secret(exercise: Exercise) -> None:
    hints = exercise.hints.read_text("utf-8")

    assert len(terminal.read_hints(exercise)) == 3
    assert max(map(len, hints.splitlines())) <= terminal.WIDTH
    assert [line for line in secrets(exercise) if line in hints] == []


@each_exercise
def test_its_solution_passes(exercise: Exercise) -> None:
    verdict = checks.run(exercise, exercise.solution)

    assert verdict.failure is None, terminal.plain(verdict.failure, verdict.wire)
    assert verdict.ok


@pytest.mark.parametrize(
    ("exercise", "path"), RIGHT, ids=[f"{ex.id} {path.stem}" for ex, path in RIGHT]
)
def test_another_right_answer_passes(exercise: Exercise, path: Path) -> None:
    verdict = checks.run(exercise, path)

    assert verdict.failure is None, terminal.plain(verdict.failure, verdict.wire)
    assert verdict.ok


@each_exercise
def test_as_shipped_it_runs_and_is_wrong(exercise: Exercise) -> None:
    verdict = checks.run(exercise, exercise.shipped)

    failure = failure_of(verdict)
    assert failure.action != "started", "it must run, and be wrong"
    told = failure.misconception is not None  # to go on for ever is one, too
    assert told or not failure.silent, "it must answer, and be wrong"
    expect_good_message(verdict)


@each_exercise
def test_it_has_known_answers(exercise: Exercise) -> None:
    assert len(exercise.wrong) >= 4
    assert len(exercise.right) >= 1
    assert all(asked(path, "Provokes") for path in exercise.wrong)


@pytest.mark.parametrize(
    ("exercise", "path"), WRONG, ids=[f"{ex.id} {path.stem}" for ex, path in WRONG]
)
def test_a_wrong_answer_is_told_what_is_wrong(exercise: Exercise, path: Path) -> None:
    verdict = checks.run(exercise, path, reply=REPLY)

    failure = failure_of(verdict)
    told = " ".join(words for _, words in terminal.message(failure))
    assert asked(path, "Provokes") in told
    assert failure.misconception == asked(path, "Misconception")
    expect_good_message(verdict)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_the_table_of_misconceptions_holds(table: Path) -> None:
    chapter = course.find_chapter(table.parent.name)
    rows = re.findall(r"^\| (M\d\d) \| .+ \| (.*) \|(.*)\|$", table.read_text(), re.M)

    assert rows
    for id, taught, recognised in rows:
        answers = re.findall(r"`(\w+/\w+\.py)`", recognised)
        assert "notebook" not in taught or id in tags(chapter)
        assert {
            asked(table.parent / "wrong" / name, "Misconception") for name in answers
        } <= {id}
        assert taught.strip() or answers


def tags(chapter: Chapter) -> set[str]:
    """The misconceptions that the notebook's cells are tagged with."""
    source = chapter.notebook_source.read_text("utf-8")
    return {
        tag
        for cell in re.findall(r"^# %%.*tags=(\[.*\])", source, re.M)
        for tag in ast.literal_eval(cell)
    }
