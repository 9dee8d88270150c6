"""Loads what every test may use."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId

from workbook.progress import PLACE

# A test must not write into the learner's progress.
folder = tempfile.mkdtemp(prefix="workbook-tests-")
os.environ[PLACE] = str(Path(folder) / "progress.json")
atexit.register(shutil.rmtree, folder, ignore_errors=True)

# With it, who imports nbformat builds 39 grammars of international addresses: a second
# in every worker. jsonschema does without, and no notebook has such an address.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

pytest_plugins = ["workbook.plugin", "tests.browser"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Keep tests together that share a server or a browser: both take time to start."""
    for item in items:
        browses = "chromium" in getattr(item, "fixturenames", ())
        if browses and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name + " page"))
    yield
    for item in items:
        # Where pytest-xdist 3.8 notes the group pytest 9.2 does not look any more:
        # github.com/pytest-dev/pytest-xdist/issues/1386
        if "_nodeid" in vars(item):
            item._id = NodeId.parse(vars(item).pop("_nodeid"))


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
