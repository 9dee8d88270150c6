"""list, check, hint, solution and reset, as a learner meets them."""

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.small_course import HALF_RIGHT, SHIPPED, SOLVED, make_course
from workbook import course, desk, terminal
from workbook.course import Exercise, NotFound
from workbook.progress import PLACE, Progress, State, digest


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(PLACE, raising=False)
    make_course(tmp_path)
    return tmp_path


@pytest.fixture
def first(root: Path) -> Exercise:
    found = course.find("1.1", root)
    assert isinstance(found, Exercise)
    return found


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> "Told":
    return Told(capsys)


class Told:
    """What was printed since it was last asked."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def out(self) -> str:
        """On standard output; on standard error there was nothing."""
        out, err = self._capsys.readouterr()
        assert err == ""
        return out

    def err(self) -> str:
        """On standard error; on standard output there was nothing."""
        out, err = self._capsys.readouterr()
        assert out == ""
        return err


def solve(exercise: Exercise) -> None:
    """Put the solution in the learner's place, as if it had been checked."""
    exercise.path.write_text(SOLVED)
    root = exercise.chapter.root
    Progress.of(root).judge(exercise, digest(exercise.path), True)


def test_the_first_list_greets_and_says_what_to_do_first(
    root: Path, told: Told
) -> None:
    status = desk.list_all(root)

    out = told.out()
    assert status == 0
    assert out.startswith("Welcome!")
    places = [out.index(verb) for verb in ("run 1", "notebook 1", "check 1.1")]
    assert places == sorted(places)
    assert "· 1.1 double   untouched" in out


def test_a_later_list_says_the_one_next_thing(
    root: Path, first: Exercise, told: Told
) -> None:
    solve(first)

    desk.list_all(root)

    out = told.out()
    assert out.startswith("1 of 3 exercises passed\n")
    assert "✔ 1.1 double   passed" in out
    assert "Next: 1.2 twice, open chapters/ch01_one/exercises/ex2_twice.py" in out
    assert out.count("Next") == 1


def test_the_list_says_when_all_is_done(root: Path, told: Told) -> None:
    for id in ("1.1", "1.2", "2.1"):
        found = course.find(id, root)
        assert isinstance(found, Exercise)
        solve(found)

    desk.list_all(root)

    assert "Every exercise passes" in told.out()


def test_the_list_fits_on_one_screen(root: Path, told: Told) -> None:
    desk.list_all(root)

    rows = told.out().splitlines()
    assert len(rows) <= 24
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("1", "ch01_one"),
        ("ch02", "ch02_two"),
        ("chapters/ch02_two/", "ch02_two"),
        ("1.2", "ex2_twice"),
        ("ex2_twice", "ex2_twice"),
        ("chapters/ch01_one/exercises/ex2_twice.py", "ex2_twice"),
        ("C:\\w\\chapters\\ch01_one\\exercises\\ex2_twice.py", "ex2_twice"),
    ],
)
def test_a_target_is_a_chapter_an_exercise_or_a_path(
    root: Path, target: str, found: str
) -> None:
    assert course.find(target, root).name == found


@pytest.mark.parametrize("target", ["9", "nine", "1.9", "9.1", "ex7_none", "x.py", ""])
def test_an_unknown_target_is_one_sentence_and_a_way_out(
    root: Path, told: Told, target: str
) -> None:
    status = desk.check(target, root)

    err = told.err()
    assert status == 2
    assert re.match(r"There is no (chapter|exercise) ", err)
    assert "There are: 1" in err


@pytest.mark.parametrize("verb", [desk.hint, desk.solution, desk.reset])
def test_the_other_verbs_refuse_a_chapter_politely(
    root: Path, told: Told, verb: "type"
) -> None:
    assert verb("1", root=root) == 2
    assert "There is no exercise '1'. There are: 1.1 (double)" in told.err()


def test_a_wrong_answer_fails_and_the_last_line_leads_to_a_hint(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.write_text(HALF_RIGHT)

    status = desk.check("1.1", root)

    rows = told.out().splitlines()
    assert status == 1
    assert rows[0] == "✘ 1.1 double: not yet, check 2 of 2 fails"
    assert "  called    double(2)" in rows
    assert rows[-1].endswith("hint 1.1")
    assert Progress.of(root).record(first).tries == 1


def test_a_right_answer_passes_and_says_what_is_next(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.write_text(SOLVED)

    status = desk.check("ex1_double", root)

    out = told.out()
    assert status == 0
    assert out.startswith("✔ 1.1 double: all 2 checks pass\n")
    assert out.splitlines()[-1].startswith("Next: 1.2 twice, chapters/ch01_one/")
    assert Progress.of(root).state(first) is State.PASSED


def test_a_chapter_is_checked_one_exercise_after_the_other(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.write_text(HALF_RIGHT)

    status = desk.check("1", root)

    rows = told.out().splitlines()
    assert status == 1
    assert rows[0].startswith("✘ 1.1 double: not yet")
    assert "· 1.2 twice: not begun" in rows
    assert "Chapter 1: 0 of 2 exercises passed" in rows


def test_a_chapter_that_passes_leads_to_the_next(root: Path, told: Told) -> None:
    again = course.find("2.1", root)
    assert isinstance(again, Exercise)
    again.path.write_text(SOLVED)

    status = desk.check("2", root)

    out = told.out()
    assert status == 0
    assert "Chapter 2: 1 of 1 exercises passed" in out
    assert "Chapter 2 is done. Next: Chapter 1, one" in out


def test_a_chapter_is_not_done_while_an_exercise_before_is_left(
    root: Path, told: Told
) -> None:
    last = course.find("1.2", root)
    assert isinstance(last, Exercise)
    last.path.write_text(SOLVED)

    desk.check("1.2", root)

    out = told.out()
    assert "is done" not in out
    assert "Next: 1.1 double" in out


def test_hints_come_one_more_at_a_time(root: Path, told: Told) -> None:
    outs: list[str] = []
    for _ in range(4):
        assert desk.hint("1.1", root) == 0
        outs.append(told.out())

    assert [out.count("Hint ") for out in outs] == [1, 2, 3, 3]
    assert "solution" not in outs[1]
    assert "That was the last hint. To give up:" in outs[2]
    assert "There are no more hints. To give up:" in outs[3]


def test_the_line_after_a_failure_knows_how_many_hints_are_left(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.unlink()  # the quickest way to fail
    lasts: list[str] = []
    for _ in range(3):
        desk.check("1.1", root)
        lasts.append(told.out().splitlines()[-1].partition(" python3")[0])
        desk.hint("1.1", root)
        desk.hint("1.1", root)
        told.out()

    assert lasts == ["Need a hint?", "One more hint:", "The hints again:"]


def test_a_missing_file_says_how_to_get_it_back(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.unlink()

    status = desk.check("1.1", root)

    out = told.out()
    assert status == 1
    assert "reset 1.1" in out


def test_a_solution_is_shown_after_the_exercise_has_passed(
    root: Path, first: Exercise, told: Told
) -> None:
    solve(first)

    status = desk.solution("1.1", root=root)

    assert status == 0
    assert "return 2 * n" in told.out()
    assert not Progress.of(root).record(first).solution


def test_on_a_narrow_terminal_commands_are_whole_and_so_is_code(
    root: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrow() -> Console:
        return Console(force_terminal=True, color_system=None, width=24)

    monkeypatch.setattr(terminal, "make_console", narrow)
    first = course.find_exercise("1.1", root)
    first.path.write_text(SOLVED)

    desk.check("1.1", root)
    desk.solution("1.1", root=root)

    *_, after, code = told.out().rpartition("How we did it:")
    assert " ".join(code.split()).startswith("python3 learn.py solution 1.1 Next: ")
    assert after == "How we did it:"
    assert "\n      return 2 * n  # twice\n" in code


def test_without_a_terminal_nobody_is_asked_whether_to_give_up(
    root: Path, first: Exercise, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))

    status = desk.solution("1.1", root=root)

    assert status == 2
    assert "solution 1.1 --yes" in told.err()
    assert desk.solution("1.1", True, root) == 0
    assert "return 2 * n" in told.out()
    assert Progress.of(root).record(first).solution


class Typist(io.StringIO):
    """Standard input as a terminal has it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "status"), [("y\n", 0), ("YES\n", 0), ("\n", 1), ("n\n", 1), ("", 1)]
)
def test_giving_up_takes_a_yes(
    root: Path,
    first: Exercise,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    status: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Typist(typed))

    assert desk.solution("1.1", root=root) == status

    shown = "return 2 * n" in told.out()
    assert shown == Progress.of(root).record(first).solution == (status == 0)


def test_looking_at_a_solution_writes_nothing_into_the_learners_file(
    root: Path, first: Exercise
) -> None:
    before = first.path.stat()

    desk.solution("1.1", True, root)

    assert first.path.read_text() == SHIPPED
    assert first.path.stat().st_mtime_ns == before.st_mtime_ns


def test_reset_keeps_a_dated_copy_and_starts_again(
    root: Path, first: Exercise, told: Told
) -> None:
    for text in (SOLVED, HALF_RIGHT):
        first.path.write_text(text)
        assert desk.reset("1.1", root) == 0

    # In the order of the copies: their names hold the minute, and this one may end.
    named = re.findall(r"\.kept/([\w.-]+\.py)", told.out())
    kept = [root / ".kept" / name for name in named]
    assert first.path.read_text() == SHIPPED
    assert [path.read_text() for path in kept] == [SOLVED, HALF_RIGHT]
    assert {*kept} == {*(root / ".kept").iterdir()}
    assert Progress.of(root).state(first) is State.UNTOUCHED


def test_reset_of_an_untouched_file_does_nothing(
    root: Path, first: Exercise, told: Told
) -> None:
    before = first.path.stat()

    assert desk.reset("1.1", root) == 0

    assert "nothing to do" in told.out()
    assert first.path.stat().st_ino == before.st_ino
    assert not (root / ".kept").exists()


def test_reset_brings_a_missing_file_back(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.unlink()

    assert desk.reset("1.1", root) == 0

    assert first.path.read_text() == SHIPPED
    assert "is as it was shipped" in told.out()


def test_a_reset_that_fails_leaves_the_file_as_it_was(
    root: Path, first: Exercise, told: Told
) -> None:
    first.path.write_text(SOLVED)
    (root / ".kept").write_text("no folder")

    assert desk.reset("1.1", root) == 2

    assert "could not be reset" in told.err()
    assert first.path.read_text() == SOLVED


def test_a_file_saved_while_it_is_checked_is_not_taken_for_the_one_checked(
    root: Path, first: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbook import checks
    from workbook.checks import Verdict

    def save_meanwhile(exercise: Exercise, **_: object) -> Verdict:
        exercise.path.write_text(HALF_RIGHT)
        return Verdict(exercise, exercise.path, ["it doubles"], total=1)

    monkeypatch.setattr(checks, "run", save_meanwhile)
    first.path.write_text(SOLVED)

    assert desk.check("1.1", root) == 0

    assert Progress.of(root).state(first) is State.TRIED


def test_find_says_what_there_is_for_what_was_meant(root: Path) -> None:
    with pytest.raises(NotFound, match=r"no exercise '1\.7'"):
        course.find("1.7", root)
    with pytest.raises(NotFound, match="no chapter '7'"):
        course.find("7", root)
