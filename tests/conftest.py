"""Loads what every test may use."""

import atexit
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from workbook.progress import PLACE

# A test must not write into the learner's progress.
progress = Path(tempfile.gettempdir()) / f"workbook-tests-{os.getpid()}.json"
os.environ[PLACE] = str(progress)
atexit.register(progress.unlink, missing_ok=True)

pytest_plugins = ["workbook.plugin", "tests.browser"]


Promise = Callable[[str], None]


@pytest.fixture
def promise(record_property: Callable[[str, object], None]) -> Promise:
    """Says what was counted for a promise of a chapter's card; printed at the end."""
    return partial(record_property, "promise")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures behind the promises."""
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    told = [v for report in passed for k, v in report.user_properties if k == "promise"]
    if told:
        terminalreporter.section("promises kept")
    for line in sorted(map(str, told)):
        terminalreporter.write_line(line)
