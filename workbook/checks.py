"""The check of one exercise: its tests, run against one file, and what they found.

The tests of an exercise are the functions of `tests/chNN_word/test_exercises.py`
that take a parameter named like it, such as `ex1_shout`: an `Answer`.
"""

import importlib.util
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from workbook.answer import Answer
from workbook.course import Chapter, Exercise
from workbook.diagnosis import explain
from workbook.failure import Failure
from workbook.process import Process
from workbook.wire import Wire

TOTAL = 60.0
"""Seconds that all checks of one exercise may take together."""

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
    checks = checks_of(exercise)
    passed: list[str] = []
    if not file.exists():
        if process is not None:
            process.end()
        return Verdict(exercise, file, failure=_no_file(exercise), total=len(checks))
    with Answer(file, process=process, **limits) as answer:
        watch = threading.Timer(total, lambda: _too_long(answer, total))
        watch.start()
        try:
            for check in checks:
                answer.begin()
                try:
                    check(answer)
                except Failure as failure:
                    explain(failure, answer)
                    return Verdict(
                        exercise,
                        file,
                        passed,
                        sentence(check),
                        failure,
                        answer.wire,
                        len(checks),
                    )
                passed.append(sentence(check))
        finally:
            watch.cancel()
    failed, failure = None, _left_behind(answer)
    if failure is not None:
        failed = "it ends what it starts"
    return Verdict(exercise, file, passed, failed, failure, answer.wire, len(checks))


def _too_long(answer: Answer, total: float) -> None:
    answer.process.end(f"all checks together took more than {total:g} s")


def _no_file(exercise: Exercise) -> Failure:
    return Failure(
        who="",
        action="opened",
        sent=exercise.path.name,
        got="no such file",
        expected=f"your answer to {exercise.id}",
        hint=f"python3 learn.py reset {exercise.id} brings the file back.",
    )


def _left_behind(answer: Answer) -> Failure | None:
    if not answer.process.left_behind:
        return None
    names = ", ".join(answer.process.left_behind)
    return Failure(
        who="",
        action="ran",
        sent=answer.file.name,
        got=f"right answers, and a process left running: {names}",
        expected="nothing running after the last client left",
        hint="Your program started another process and did not end it.",
    )
