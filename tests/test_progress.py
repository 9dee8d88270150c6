"""Progress is derived from checks, kept in one small file, and never in the way."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.small_course import HALF_RIGHT, RIGHT, SHIPPED, SOLVED, make_course
from workbook import progress
from workbook.course import ROOT, Exercise, exercises
from workbook.progress import PLACE, Progress, Record, State, digest, keep, replace_file


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    return make_course(tmp_path)[0]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path: Path, said: list[str]) -> Progress:
    return Progress(tmp_path / ".progress.json", said.append)


def judge(kept: Progress, exercise: Exercise, *, ok: bool) -> Record:
    return kept.judge(exercise, digest(exercise.path), ok)


def test_the_state_follows_from_the_record_and_the_file(
    exercise: Exercise, kept: Progress
) -> None:
    states = [kept.state(exercise)]
    exercise.path.write_text(HALF_RIGHT)
    states.append(kept.state(exercise))
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)
    states.append(kept.state(exercise))
    exercise.path.write_text(RIGHT)
    states.append(kept.state(exercise))
    exercise.path.unlink()
    states.append(kept.state(exercise))

    assert states == [
        State.UNTOUCHED,
        State.TRIED,
        State.PASSED,
        State.CHANGED,
        State.MISSING,
    ]


def test_an_undone_change_is_passed_again_without_a_check(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)

    exercise.path.write_text(HALF_RIGHT)
    exercise.path.write_bytes(SOLVED.replace("\n", "\r\n").encode())

    assert kept.state(exercise) is State.PASSED


def test_a_pass_is_taken_back_when_the_same_file_fails(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)

    judge(kept, exercise, ok=False)

    assert kept.state(exercise) is State.TRIED


def test_a_failed_change_leaves_the_pass_of_the_file_before(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)
    exercise.path.write_text(HALF_RIGHT)

    judge(kept, exercise, ok=False)

    assert kept.state(exercise) is State.CHANGED


def test_tries_count_different_answers_and_not_the_file_as_shipped(
    exercise: Exercise, kept: Progress
) -> None:
    judge(kept, exercise, ok=False)
    shipped = kept.record(exercise).tries
    exercise.path.write_text(HALF_RIGHT)
    judge(kept, exercise, ok=False)
    judge(kept, exercise, ok=False)
    exercise.path.write_text(HALF_RIGHT + "\n")
    judge(kept, exercise, ok=False)

    assert (shipped, kept.record(exercise).tries) == (0, 2)


def test_time_is_counted_from_the_first_check_to_the_pass_without_breaks(
    exercise: Exercise, kept: Progress
) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    steps = [  # minutes after noon, the file, whether it passes, minutes spent then
        (0, SHIPPED, False, 0),
        (5, SHIPPED, False, 0),  # the same as before is nothing new
        (10, HALF_RIGHT, False, 10),
        (12, HALF_RIGHT, False, 10),
        (41, "# after a break\n", False, 10),
        (30, "# on a clock that was put back\n", False, 10),
        (35, SOLVED, True, 15),
        (40, RIGHT, True, 15),  # after the pass no time is counted
        (42, SOLVED, True, 15),
    ]
    spent: list[float] = []
    for minutes, text, ok, _ in steps:
        exercise.path.write_text(text)
        file, now = digest(exercise.path), noon + timedelta(minutes=minutes)
        spent.append(kept.judge(exercise, file, ok, now).spent / 60)

    assert spent == [step[-1] for step in steps]
    assert kept.record(exercise).begun == "2026-11-22T12:00:00+00:00"


@pytest.mark.parametrize("last", ["yesterday", "2026-11-22T11:59:00", "", None])
def test_a_time_that_is_none_counts_nothing(
    exercise: Exercise, last: str | None
) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)

    assert Record(begun="x", last=last).at_work(noon).spent == 0


def test_starting_again_forgets_the_tries_and_not_what_was_given(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(HALF_RIGHT)
    judge(kept, exercise, ok=False)
    kept.give_hint(exercise)
    kept.give_solution(exercise)

    kept.start_again(exercise)

    assert kept.record(exercise) == Record(hints=1, solution=True)


def test_a_file_that_changed_while_it_was_checked_is_not_judged(
    exercise: Exercise, kept: Progress
) -> None:
    kept.judge(exercise, None, ok=True)

    assert not kept.file.exists()


def test_hints_are_counted_up_to_the_last(exercise: Exercise, kept: Progress) -> None:
    given = [kept.give_hint(exercise, 3) for _ in range(4)]

    assert given == [1, 2, 3, 3]


def test_deleting_the_file_loses_nothing_that_a_check_does_not_restore(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)
    before = kept.state(exercise)

    kept.file.unlink()
    judge(kept, exercise, ok=True)

    assert kept.state(exercise) is before is State.PASSED


def test_what_is_written_is_small_and_versioned(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)

    found = json.loads(kept.file.read_text())

    assert found["version"] == 1
    assert set(found["exercises"]) == {"ch01_one/ex1_double"}
    facts = {"passed", "when", "begun", "last"}
    assert set(found["exercises"]["ch01_one/ex1_double"]) == facts
    assert kept.file.stat().st_size < 250


def test_nothing_is_written_where_nothing_is_new(
    exercise: Exercise, kept: Progress
) -> None:
    exercise.path.write_text(SOLVED)
    judge(kept, exercise, ok=True)
    before = kept.file.stat()

    judge(kept, exercise, ok=True)

    assert kept.file.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"version": 1, "exerci', "damaged"),
        (b"\xff\xfe\x00", "damaged"),
        (b"", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"version": 2, "exercises": {}}', "newer workbook"),
        (b'{"name": "somebody else\'s"}', "something else"),
        (b"[1, 2]", "something else"),
        (b'{"version": 1, "exercises": []}', "something else"),
        (b'{"version": 1, "exercises": {"a/b": 5}}', "something else"),
        (b'{"version": 1, "exercises": {"a/b": {"hints": true}}}', "something else"),
        (b'{"version": true, "exercises": {}}', "something else"),
    ],
)
def test_a_file_that_is_not_ours_is_kept_aside_and_said_so_once(
    exercise: Exercise, kept: Progress, said: list[str], content: bytes, why: str
) -> None:
    kept.file.write_bytes(content)

    before = kept.read()
    kept.give_hint(exercise)

    [copy] = (kept.file.parent / ".kept").iterdir()
    assert before == {}
    assert kept.record(exercise).hints == 1
    assert copy.read_bytes() == content
    assert len(said) == 1
    assert why in said[0]
    assert copy.name in said[0]


def test_unknown_facts_and_exercises_do_no_harm(
    exercise: Exercise, kept: Progress
) -> None:
    told = {"version": 1, "exercises": {"ch09_gone/ex1_x": {"hints": 2, "new": []}}}
    kept.file.write_text(json.dumps(told))

    kept.give_hint(exercise)

    assert kept.read()["ch09_gone/ex1_x"] == Record(hints=2)


def test_a_place_that_cannot_be_written_costs_one_sentence(
    exercise: Exercise, said: list[str], tmp_path: Path
) -> None:
    nowhere = Progress(tmp_path / "no such folder" / "progress.json", said.append)

    given = [nowhere.give_hint(exercise), nowhere.give_hint(exercise)]

    assert given == [1, 1]
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_a_folder_in_its_place_is_left_alone(
    exercise: Exercise, kept: Progress, said: list[str]
) -> None:
    kept.file.mkdir()

    kept.give_hint(exercise)

    assert kept.file.is_dir()
    assert len(said) == 1
    assert "cannot be read" in said[0]


def test_the_environment_names_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PLACE, raising=False)
    usual = Progress.of(tmp_path).file
    monkeypatch.setenv(PLACE, str(tmp_path / "elsewhere.json"))

    assert usual == tmp_path / ".progress.json"
    assert Progress.of(tmp_path).file == tmp_path / "elsewhere.json"


def give_hints(root: Path) -> None:
    one, other, *_ = exercises(root)
    progress.PATIENCE = 100.0  # who waits is not served in turn, and a disk may be slow
    for _ in range(15):
        Progress(root / ".progress.json").give_hint(one, 1000)
        Progress(root / ".progress.json").give_hint(other, 1000)


def test_writers_at_once_lose_nothing_of_each_other(
    exercise: Exercise, kept: Progress, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=give_hints, args=(tmp_path,)) for _ in range(2)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)

    assert [writer.exitcode for writer in writers] == [0, 0]
    found = {name: record.hints for name, record in kept.read().items()}
    assert found == {"ch01_one/ex1_double": 30, "ch01_one/ex2_twice": 30}
    assert [p.name for p in tmp_path.glob(".progress*")] == [".progress.json"]


KILL = """
import os, random, signal, sys, time
from pathlib import Path
from workbook.course import exercises
from workbook.progress import Progress, parse

os.fsync = lambda number: None  # a kill takes nothing from the system, only from us
root = Path(sys.argv[1])
exercise, file = exercises(root)[0], root / ".progress.json"
for _ in range(100):
    heard, said = os.pipe()
    writer = os.fork()
    if not writer:
        while True:
            hints = Progress(file).give_hint(exercise, 10**9)
            os.write(said, hints.to_bytes(4, "big"))
    os.close(said)
    told = os.read(heard, 4)
    time.sleep(random.uniform(0, 0.01))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    while more := os.read(heard, 4):
        told = more
    os.close(heard)
    kept = parse(file.read_bytes())["ch01_one/ex1_double"].hints
    if kept - int.from_bytes(told, "big") not in (0, 1):  # 1: written, and not yet told
        sys.exit(f"told {int.from_bytes(told, 'big')}, kept {kept}")
print(kept)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without os.fork")
def test_a_hundred_writers_killed_at_any_moment_lose_nothing(
    exercise: Exercise, kept: Progress, tmp_path: Path
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", KILL, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert run.stderr == ""
    assert int(run.stdout) == kept.record(exercise).hints >= 100


def test_what_dead_writers_left_is_swept_away_and_nothing_younger(
    exercise: Exercise, kept: Progress
) -> None:
    dead, alive = (kept.file.with_name(f".progress.json-{n}") for n in "ab")
    for file in (dead, alive):
        file.write_text("half a rec")
    old = time.time() - 2 * progress.ABANDONED
    os.utime(dead, (old, old))

    kept.give_hint(exercise)

    assert (dead.exists(), alive.exists()) == (False, True)


def test_an_interrupted_write_leaves_the_old_content(
    exercise: Exercise, kept: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.give_hint(exercise)

    def cut_off(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", cut_off)
    with pytest.raises(KeyboardInterrupt):
        kept.give_hint(exercise)

    assert kept.record(exercise).hints == 1
    assert [p.name for p in kept.file.parent.glob(".progress*")] == [kept.file.name]


def test_a_copy_never_takes_the_place_of_another(tmp_path: Path) -> None:
    file, folder = tmp_path / "ex1_double.py", tmp_path / ".kept"
    copies: list[Path] = []
    for text in ("one", "two", "three"):
        file.write_text(text)
        copies.append(keep(file, folder))

    assert [copy.read_text() for copy in copies] == ["one", "two", "three"]
    assert all(copy.name.startswith("ex1_double-2") for copy in copies)
    assert all(copy.suffix == ".py" for copy in copies)


def test_a_replaced_file_has_the_permissions_of_its_model(tmp_path: Path) -> None:
    model, file = tmp_path / "model", tmp_path / "file"
    model.write_text("")
    model.chmod(0o644)

    replace_file(file, b"new", mode_of=model)

    assert file.read_bytes() == b"new"
    assert file.stat().st_mode == model.stat().st_mode


def test_a_lock_that_is_never_let_go_does_not_stop_us(
    exercise: Exercise, kept: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setattr(progress, "try_lock", lambda number: False)

    assert kept.give_hint(exercise) == 1
