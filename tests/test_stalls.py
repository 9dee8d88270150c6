"""`python -m tests.stalls` stops what it should, and lets it go on."""

import re
import subprocess
import sys

import psutil
import pytest

from tests.stalls import may_stop
from tests.waiting import wait_until
from workbook.course import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")

DEADLINE = 60.0

STUMBLES = """
import sys
import time

before = time.monotonic()
while time.monotonic() - before < 0.3:
    before = time.monotonic()
    time.sleep(0.001)
sys.exit(7)
"""
"""Ends when it has stood still for a moment, and would go on for ever."""

STARTS = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


def test_what_a_command_starts_stands_still_and_goes_on() -> None:
    python = [sys.executable, "-c"]
    line = [sys.executable, "-m", "tests.stalls", "--longest", "1", "--"]

    run = subprocess.run(
        [*line, *python, STARTS, *python, STUMBLES],
        cwd=ROOT,
        timeout=DEADLINE,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 7, run.stderr
    assert re.match(r"stopped processes \d+ times, for at most 1 s", run.stdout)


def test_who_is_stopped_by_another_is_let_alone() -> None:
    child = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert may_stop(child)
        child.suspend()
        wait_until(lambda: not may_stop(child), "it is stopped")
    finally:
        child.kill()
        child.communicate()
