"""`python -m tests.stalls` stops what it should, and lets it go on."""

import random
import subprocess
import sys

import psutil
import pytest

from tests.stalls import may_stop, stumble
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")

DEADLINE = 60.0

STUMBLES = """
import sys
import time

times, end = 0, time.monotonic() + 60
while times < 3 and time.monotonic() < end:
    before = time.monotonic()
    time.sleep(0.001)
    times += time.monotonic() - before > 0.1
sys.exit(4 + times)
"""
"""Ends when it has stood still three times, with 7; else after a minute."""

STARTS = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


def test_what_a_command_starts_stands_still_and_goes_on() -> None:
    python = [sys.executable, "-c"]
    command = subprocess.Popen([*python, STARTS, *python, STUMBLES])

    count = stumble(psutil.Process(command.pid), 0.4, random.Random(1))

    assert command.wait(DEADLINE) == 7
    assert count > 0


def test_who_is_stopped_by_another_is_let_alone() -> None:
    child = psutil.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert may_stop(child)
        child.suspend()
        wait_until(lambda: not may_stop(child), "it is stopped")
    finally:
        child.kill()
        child.communicate()
