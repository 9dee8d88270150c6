"""The pytest plugin: a parameter named like an exercise is an answer to it.

`pytest` gives it the solution; `pytest --mine` gives it the learner's own file.
"""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbook import course, terminal
from workbook.answer import Answer
from workbook.checks import ask, finish, unreadable
from workbook.diagnosis import explain
from workbook.failure import Failure


@dataclass(frozen=True)
class Case:
    """One file that stands for an exercise in one run of a test."""

    exercise: course.Exercise
    file: Path


class Answers:
    """Keeps the answer of the file under test; the next file's takes its place."""

    def __init__(self) -> None:
        self._case: Case | None = None
        self._answer: Answer | None = None
        self.failed = False  # a test of this answer

    def get(self, case: Case) -> Answer:
        """The answer for this file, with a new record of the wire."""
        if self._answer is None or self._case != case:
            self.end()
            self._case, self._answer = case, Answer(case.file)
        self._answer.begin()
        return self._answer

    def finish(self) -> Answer | None:
        """Hand out the answer, for the last time."""
        answer, self._answer = self._answer, None
        failed, self.failed = self.failed, False
        if answer is not None and failed:
            answer.end()
        return None if failed else answer

    def end(self) -> None:
        """End what runs."""
        if self._answer is not None:
            self._answer.end()
        self._answer = None


ANSWERS = pytest.StashKey[Answers]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mine",
        action="store_true",
        help="grade the exercises in chapters/*/exercises, not the solutions",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ANSWERS] = Answers()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[ANSWERS].end()


def _exercise(item: pytest.Item, name: str) -> course.Exercise | None:
    for exercise in course.exercises(item.config.rootpath):
        if exercise.name == name and exercise.chapter.tests in item.path.parents:
            return exercise
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that names an exercise its files."""
    for name in metafunc.fixturenames:
        exercise = _exercise(metafunc.definition, name)
        if exercise is None:
            continue
        mine = metafunc.config.getoption("--mine")
        case = Case(exercise, exercise.path if mine else exercise.solution)
        group = pytest.mark.xdist_group(exercise.id)  # one server for all its checks
        whose = "mine" if mine else "solution"
        param = pytest.param(case, id=f"{whose} {name}", marks=group)
        metafunc.parametrize(name, [param])


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """With --mine, only the tests that grade an exercise are left."""
    if config.getoption("--mine"):
        items[:] = [item for item in items if _case(item) is not None]
    # One server serves all tests of a file: bring them together.
    items.sort(key=_place)


def _place(item: pytest.Item) -> str:
    case = _case(item)
    return "" if case is None else f"{case[1].exercise.id} {case[1].file}"


def _case(item: pytest.Item) -> tuple[str, Case] | None:
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        params: dict[str, Any] = item.callspec.params
        for name, value in params.items():
            if isinstance(value, Case):
                return name, value
    return None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(
    pyfuncitem: pytest.Function,
) -> Generator[None, object, object]:
    """Hand the test its answer, and complete what it says when it fails."""
    found = _case(pyfuncitem)
    if found is None:
        return (yield)
    name, case = found
    answers = pyfuncitem.config.stash[ANSWERS]
    answer = pyfuncitem.funcargs[name] = answers.get(case)
    if failure := unreadable(case.exercise, case.file):
        answers.failed = True
        _tell(pyfuncitem, failure, answer)
        raise failure
    try:
        return (yield)
    except Failure as failure:
        answers.failed = True
        answer.look_at_fault(failure)
        explain(failure, answer)
        _tell(pyfuncitem, failure, answer)
        raise


def _tell(item: pytest.Item, failure: Failure, answer: Answer) -> None:
    item.user_properties.append(("failure", terminal.plain(failure, answer.wire)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None]:
    """After its last test, an answer must end and leave nothing running."""
    yield
    case, following = _case(item), None if nextitem is None else _case(nextitem)
    if case is None or (following is not None and following[1] == case[1]):
        return
    answer = item.config.stash[ANSWERS].finish()
    if answer is None:
        return
    failure = ask(finish, answer)
    answer.end()
    if failure is not None:
        _tell(item, failure, answer)
        raise failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a failed check as `learn.py check` does, not as a traceback of ours."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(Failure):
        told = dict(item.user_properties).get("failure")
        if told is not None:
            report.longrepr = str(told)
    return report
