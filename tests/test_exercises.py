"""What must be true of every exercise. They are found by folder, not by name.

The checks themselves stand in `tests/chNN_word/test_exercises.py`, which pytest gives
the solution; here each known answer is judged as `learn.py check` judges the learner's.
"""

import ast
import difflib
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

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
"""Seconds for an answer of one that is known to be wrong: what is not to come is not
waited for as long as a learner's check waits."""

TELLING = 20
"""Characters from which on a line of the solution gives it away."""

MOST_ROWS = 6
"""Lines of a message before its diagram."""

BLAME = re.compile(
    r"\b(?:stupid|silly|obvious(?:ly)?|clearly|simply|just|of course|eas(?:y|ily)|"
    r"trivial(?:ly)?|careless|lazy|sloppy|forgot(?:ten)?|your (?:fault|mistake)|"
    r"you (?:failed|should(?: have)?|must not|broke)|badly)\b",
    re.IGNORECASE,
)
"""What nobody likes to read who is learning."""

PATH = re.compile(
    "|".join(
        re.escape(str(folder))
        for folder in (course.ROOT, Path.home(), tempfile.gettempdir(), sys.prefix)
    )
    + r"|site-packages|\b[A-Z]:\\"
)
"""Where this machine keeps its files."""

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


def faults_of(verdict: Verdict) -> list[str]:
    """What is to be mended in the message of this verdict, and where it comes from."""
    failure = failure_of(verdict)
    rows = terminal.message(failure)
    shown = terminal.plain(failure, verdict.wire).splitlines()
    labels = [label.strip() for label, _ in rows]
    words = " ".join(part for label, part in rows)
    mine = {line.strip() for line in lines(verdict.file)}
    found = [
        f"of more than {terminal.WIDTH} columns: {line}"
        for line in shown
        if cell_len(line) > terminal.WIDTH
    ]
    if len(rows) > MOST_ROWS:
        found.append(f"{len(rows)} lines before the diagram, {MOST_ROWS} may be")
    if labels[0].endswith(("got", "expected", "look at", "hint")):
        found.append("nobody sends, calls or does anything: `sent` is not set")
    for label in ("got", "expected"):
        if not any(one.split()[-1:] == [label] for one in labels):
            found.append(f"no line says what was {label}")
    if not failure.hint:
        found.append("no hint: give the check one, or misconceptions.py a sign")
    # A line of the solution that the learner has written may be looked at.
    told = " ".join(" ".join(shown).split())
    for line in secrets(verdict.exercise) - mine:
        if line in words or line in told:
            found.append(f"a line of the solution: {line}")
    if blame := BLAME.search(" ".join(one for _, one in rows)):
        found.append(f"blame, or a word that makes small: {blame[0]!r}")
    if path := PATH.search(told):
        found.append(f"a path of this machine: {path[0]}")
    return found


def expect_good_message(verdict: Verdict) -> None:
    """It fits, says who did what, what came of it and what should have, and no more."""
    faults = faults_of(verdict)
    told = terminal.plain(failure_of(verdict), verdict.wire)

    assert not faults, "\n".join(["The message has", *faults, "", told])


def asked(path: Path, name: str) -> str | None:
    """What the head of a known wrong answer says after `# Name: `."""
    for line in lines(path)[:2]:
        if line.startswith(f"# {name}: "):
            return line.removeprefix(f"# {name}: ")
    return None


def is_told_what_is_wrong(failure: Failure, path: Path) -> bool:
    """Whether a failure says what the head of this known wrong answer asks for."""
    told = " ".join(words for _, words in terminal.message(failure))
    asks_for = str(asked(path, "Provokes")), asked(path, "Misconception")
    return asks_for[0] in told and failure.misconception == asks_for[1]


def judge_wrong(exercise: Exercise, path: Path) -> Verdict:
    """The verdict on a known wrong answer, sooner than a learner's check comes to it.

    Where it was our impatience that ended the check, and elsewhere than is known, the
    verdict is the one to which a learner's check comes.
    """
    verdict = checks.run(exercise, path, reply=REPLY)
    failure = verdict.failure
    if failure is None or not failure.silent or is_told_what_is_wrong(failure, path):
        return verdict
    return checks.run(exercise, path)


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
    verdict = judge_wrong(exercise, path)

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
