"""What a learner asks of the workbook: list, check, hint, solution, reset."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from rich.console import Console
from rich.text import Text

from workbook import course, terminal
from workbook.arguments import LEARN
from workbook.course import ROOT, Chapter, Exercise, NotFound
from workbook.progress import Progress, Record, State, digest, keep, key, replace_file

if TYPE_CHECKING:
    from workbook.checks import Verdict
    from workbook.process import Process

FINE, NOT_PASSED, BAD_INPUT = 0, 1, 2
"""Exit statuses."""

P = ParamSpec("P")


def politely(verb: Callable[P, int]) -> Callable[P, int]:
    """A verb that answers an unknown chapter or exercise with one sentence."""

    @wraps(verb)
    def answer(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            return verb(*args, **kwargs)
        except NotFound as missing:
            return refuse(str(missing))

    return answer


def refuse(why: str) -> int:
    """Say why what was asked for cannot be done; returns the exit status for that."""
    print("\n".join(terminal.wrap(why, terminal.WIDTH)), file=sys.stderr)
    return BAD_INPUT


def following(exercise: Exercise, progress: Progress) -> Exercise | None:
    """The next that has not passed, of this chapter while there is one left in it."""
    everything = course.exercises(exercise.chapter.root)
    place = everything.index(exercise)
    others = (*everything[place + 1 :], *everything[:place])
    here = [other for other in others if other.chapter == exercise.chapter]
    elsewhere = [other for other in others if other.chapter != exercise.chapter]
    return terminal.next_exercise([*here, *elsewhere], progress.read())


@politely
def list_all(root: Path = ROOT) -> int:
    """Show chapters, exercises, their state and the one next thing to do."""
    progress, console = Progress.of(root), terminal.make_console()
    records, chapters = progress.read(), course.chapters(root)
    exercises = course.exercises(root)
    if not exercises:
        return refuse(f"There are no exercises in {root}.")
    states = {progress.state(exercise) for exercise in exercises}
    new = not records and states == {State.UNTOUCHED}
    lines = terminal.welcome() if new else [terminal.bar(exercises, records)]
    lines += [Text(), *terminal.overview(chapters, records)]
    if not new:
        goal = terminal.next_exercise(exercises, records)
        record = records.get(key(goal), Record()) if goal else Record()
        lines += [Text(), *terminal.next_step(goal, record)]
    terminal.show(console, lines)
    return FINE


@politely
def check(target: str, root: Path = ROOT) -> int:
    """Check one exercise, or all of a chapter one after the other."""
    found = course.find(target, root)
    progress, console = Progress.of(root), terminal.make_console()
    if isinstance(found, Chapter):
        return _check_chapter(found, progress, console)
    verdict = _judge_aloud(found, progress, console)
    terminal.tell(verdict, console)
    if verdict.ok:
        after = terminal.after_pass(found, following(found, progress))
    else:
        after = [terminal.help_line(found, progress.record(found))]
    terminal.show(console, [Text(), *after])
    return FINE if verdict.ok else NOT_PASSED


def _check_chapter(chapter: Chapter, progress: Progress, console: Console) -> int:
    passed = 0
    for exercise in chapter.exercises:
        if progress.state(exercise) is State.UNTOUCHED:
            terminal.show(console, [terminal.not_begun(exercise)])
            continue
        verdict = _judge_aloud(exercise, progress, console)
        passed += verdict.ok
        terminal.show(console, terminal.brief(verdict, console.width))
    count = len(chapter.exercises)
    goal = terminal.next_exercise(chapter.exercises, progress.read())
    done = f"Chapter {chapter.number}: {passed} of {count} exercises passed"
    lines = [Text(), Text(done)]
    if goal is not None:
        lines += terminal.next_step(goal, progress.record(goal))
    elif chapter.exercises:
        last = chapter.exercises[-1]
        lines += terminal.after_chapter(chapter, following(last, progress))
    terminal.show(console, lines)
    return FINE if passed == count else NOT_PASSED


def _judge_aloud(exercise: Exercise, progress: Progress, console: Console) -> "Verdict":
    """Check, and show on a terminal that something is going on."""
    if not console.is_terminal:
        return judge(exercise, progress)
    with console.status(f"checking {terminal.title(exercise)}"):
        return judge(exercise, progress)


def judge(
    exercise: Exercise, progress: Progress, process: "Process | None" = None
) -> "Verdict":
    """Check the learner's file, and keep what was found.

    Args:
        exercise: the exercise.
        progress: where to keep it.
        process: one that has been started already, to save the time of importing.
    """
    from workbook import checks

    before = digest(exercise.path)
    verdict = checks.run(exercise, process=process)
    # A file that was saved meanwhile is not the one that was checked.
    same = before == digest(exercise.path)
    note(verdict, before if same else None, progress)
    return verdict


def note(verdict: "Verdict", file: str | None, progress: Progress) -> None:
    """Keep what a check found, and the run if it failed, which is drawn, too.

    Args:
        verdict: what it found; its failure learns where the picture is.
        file: the digest of what was checked; None keeps nothing.
        progress: where to keep it.
    """
    from workbook import runs

    progress.judge(verdict.exercise, file, verdict.ok)
    runs.keep(progress, verdict, file)
    runs.draw(progress, verdict)


@politely
def hint(target: str, root: Path = ROOT) -> int:
    """Show the hints given so far and one more, as long as there is one."""
    exercise = course.find_exercise(target, root)
    hints = terminal.read_hints(exercise)
    if not hints:
        return refuse(f"There are no hints for {terminal.title(exercise)}.")
    progress, console = Progress.of(root), terminal.make_console()
    before = progress.record(exercise).hints
    given = progress.give_hint(exercise, len(hints))
    terminal.show(
        console, terminal.hints(exercise, hints, given, before, console.width)
    )
    return FINE


@politely
def solution(target: str, yes: bool = False, root: Path = ROOT) -> int:
    """Show the solution once the exercise has passed, or to a yes to giving up."""
    exercise = course.find_exercise(target, root)
    progress, console = Progress.of(root), terminal.make_console()
    if progress.record(exercise).passed is None:
        answer = FINE if yes else _ask_whether_to_give_up(exercise)
        if answer is not FINE:
            return answer
        progress.give_solution(exercise)
    code = exercise.solution.read_text(encoding="utf-8")
    mine = ""
    if exercise.path.exists():
        mine = exercise.path.read_text(encoding="utf-8", errors="replace")
    lines = terminal.solution(exercise, code, mine, console)
    terminal.show(console, lines, fold=False)
    return FINE


def _ask_whether_to_give_up(exercise: Exercise) -> int:
    name = terminal.title(exercise)
    if not sys.stdin.isatty():
        return refuse(
            f"{name} has not passed yet. To see its solution all the same:\n"
            f"{LEARN} solution {exercise.id} --yes"
        )
    print(f"{name} has not passed yet, and there are hints: {LEARN} hint {exercise.id}")
    try:
        answer = input("Give up and see the solution? [y/N] ")
    except EOFError:
        answer = ""
        print()
    if answer.strip().lower() in ("y", "yes"):
        return FINE
    print("Good. It stays closed.")
    return NOT_PASSED


@politely
def reset(target: str, root: Path = ROOT) -> int:
    """Put the file as shipped in the learner's place; theirs is kept with its date."""
    exercise = course.find_exercise(target, root)
    mine, shipped = exercise.path, exercise.shipped
    name = terminal.shown_path(exercise)
    if not shipped.exists():
        return refuse(f"There is nothing to reset {name} to: {shipped} is missing.")
    if digest(mine) == digest(shipped):
        print(f"{name} is as it was shipped: there is nothing to do.")
        return FINE
    try:
        kept = keep(mine, root / ".kept") if mine.exists() else None
        replace_file(mine, shipped.read_bytes(), mode_of=shipped)
    except OSError as error:
        return refuse(f"{name} could not be reset: {error.strerror}.")
    from workbook import runs

    progress = Progress.of(root)
    progress.start_again(exercise)
    runs.forget(progress, exercise)
    print(f"{name} is as it was shipped.")
    if kept is not None:
        print(f"Your file is kept: {kept.relative_to(root).as_posix()}")
    return FINE
