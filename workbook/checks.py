"""The check of one exercise: its tests, run against one file, and what they found.

The tests of an exercise are the functions of `tests/chNN_word/test_exercises.py`
that take a parameter named like it, such as `ex1_shout`: an `Answer`.
"""

import importlib.util
import inspect
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from workbook.answer import ORPHANS, Answer
from workbook.arguments import LEARN
from workbook.course import Chapter, Exercise
from workbook.diagnosis import explain
from workbook.failure import Failure, Line
from workbook.process import Process
from workbook.wire import Wire

TOTAL = 60.0
"""Seconds that all checks of one exercise may take together."""

LAST = "it ends when it is told to, and leaves nothing running"
"""What is checked of every answer, after the exercise's own checks."""

Check = Callable[[Answer], None]


@dataclass(frozen=True)
class Verdict:
    """What the checks of one exercise found: those passed, and the first that failed.

    `passed` and `failed` are the checks' names as sentences, `wire` is the record
    of the last one that ran.
    """

    exercise: Exercise
    file: Path
    passed: list[str] = field(default_factory=list[str])
    failed: str | None = None
    failure: Failure | None = None
    wire: Wire = field(default_factory=Wire)
    total: int = 0

    @property
    def ok(self) -> bool:
        """Every check ran and passed; an exercise without checks is not ok."""
        return self.failure is None and 0 < self.total == len(self.passed)


@cache
def _tests(chapter: Chapter) -> ModuleType:
    path = chapter.tests / "test_exercises.py"
    spec = importlib.util.spec_from_file_location(f"checks_of_{chapter.name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no tests at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checks_of(exercise: Exercise) -> list[Check]:
    """The exercise's checks, in the order in which they are written."""
    found: list[Check] = []
    for name, function in vars(_tests(exercise.chapter)).items():
        if (
            name.startswith("test_")
            and exercise.name in inspect.signature(function).parameters
        ):
            found.append(function)
    return found


def sentence(check: Check) -> str:
    """A check's name as it is told: `test_it_shouts` is "it shouts"."""
    return check.__name__.removeprefix("test_").replace("_", " ")


def run(
    exercise: Exercise,
    file: Path | None = None,
    *,
    process: Process | None = None,
    total: float = TOTAL,
    **limits: float,
) -> Verdict:
    """Check one file against one exercise, up to the first check that fails.

    Args:
        exercise: the exercise.
        file: the file to check; the learner's, if none is named.
        process: one that has been started already, to save the time of importing.
        total: seconds that all checks may take together.
        limits: `start` and `reply` of `Answer`, in seconds.

    Returns:
        The verdict; a wrong answer is no exception.
    """
    file = file or exercise.path
    with Answer(file, process=process, **limits) as answer:
        watch = threading.Timer(total, _too_long, (answer, total))
        watch.daemon = True  # it must not hold up an exit
        watch.start()
        try:
            return _judge(exercise, answer)
        finally:
            watch.cancel()


def _judge(exercise: Exercise, answer: Answer) -> Verdict:
    passed: list[str] = []
    failed: str | None = None
    checks: list[Check] = []
    failure = unreadable(exercise, answer.file)
    try:
        checks = checks_of(exercise)
    except Exception as error:
        failure = _broken(error)
    if failure is None and not checks:
        failure = _broken(LookupError("this exercise has no checks"))
    for check in checks if failure is None else ():
        failed = sentence(check)
        answer.begin()
        failure = ask(check, answer)
        if failure is not None:
            break
        passed.append(failed)
    if failure is None:
        failed = LAST
        failure = ask(finish, answer)
    if failure is None:
        failed = None
    wire = answer.wire.copy()  # now: what ends next is our doing
    return Verdict(exercise, answer.file, passed, failed, failure, wire, len(checks))


def ask(check: Check, answer: Answer) -> Failure | None:
    """What one check has against the answer, explained; None where it has nothing."""
    try:
        check(answer)
    except Failure as failure:
        if check is not finish or not answer.left_behind:
            answer.look_at_fault(failure)
            explain(failure, answer)  # else the program has ended as it should
        return failure
    except Exception as error:
        return _broken(error)
    return None


def finish(answer: Answer) -> None:
    """The last check of every answer: the program ends, and leaves nothing running.

    Raises:
        Failure: it does not end, or leaves something.
    """
    answer.stop()
    answer.end()
    if not answer.left_behind:
        return
    names = ", ".join(answer.left_behind)
    raise Failure(
        who="",
        action="told",
        sent=f"{answer.file.name} to stop, when every client had left",
        got=f"the end of it, and what it had started still ran: {names}",
        expected="nothing left running",
        hint=ORPHANS,
    )


def _too_long(answer: Answer, total: float) -> None:
    answer.end(f"all checks together took more than {total:g} s")


def unreadable(exercise: Exercise, file: Path) -> Failure | None:
    """Why the file with an answer cannot be read, if it cannot."""
    try:
        file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    else:
        return None
    return Failure(
        who="",
        action="opened",
        sent=file.name,
        got=reason[:1].lower() + reason[1:],
        expected=f"your answer to {exercise.id}",
        hint=f"{LEARN} reset {exercise.id} brings the file back.",
    )


def _broken(error: Exception) -> Failure:
    """A check that could not say yes or no: that is not the learner's doing."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [Line(f.filename, f.lineno or 0, f.line or "") for f in frames]
    told = f"{type(error).__name__}: {error}"
    return Failure(
        who="",
        action="checked",
        sent="your answer",
        got=f"a check that broke: {told}",
        expected="a check that says yes or no",
        hint="This is a fault of the workbook, not yours. Please report it.",
        trace=[*map(str, lines[-3:]), told],
    )
