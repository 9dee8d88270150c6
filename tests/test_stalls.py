"""`python -m tests.stalls` stops what it should, and lets it go on."""

import random
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from tests.stalls import may_stop, stumble, wake
from tests.waiting import wait_until
from workbook.course import ROOT

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


def test_who_is_stopped_goes_on_when_we_are_ended() -> None:
    python = [sys.executable, "-c"]
    stalls = [sys.executable, "-m", "tests.stalls", "--longest", "1000", "--"]
    ours = subprocess.Popen(
        [*stalls, *python, STARTS, *python, "input()"], cwd=ROOT, stdin=subprocess.PIPE
    )
    stopped: list[psutil.Process] = []

    def stop() -> bool:
        # Perhaps before it has done anything: what it would tell might never come.
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(ours.pid).children(recursive=True)
            stopped[:] = [one for one in children if not may_stop(one)]
        return bool(stopped)

    try:
        wait_until(stop, "one is stopped")

        ours.terminate()

        assert ours.wait(DEADLINE) == 128 + signal.SIGTERM
        ours.communicate()  # the end of its input: who goes on ends
        assert psutil.wait_procs(stopped, DEADLINE)[1] == []
    finally:
        ours.kill()
        ours.communicate()
        for one in stopped:
            wake(one)
