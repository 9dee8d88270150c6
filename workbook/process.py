"""A process that holds a learner's file, and can always be ended.

The learner's code may hang, exit, print without end, eat memory or leave children
behind; what it does stays in that process, and its end is told in one sentence.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import IO, Any

import psutil

from workbook import descendants, forked
from workbook.child import CUT_OFF, MARK, STOPPED
from workbook.course import ROOT
from workbook.descendants import HELPER

__all__ = ["CUT_OFF", "STOPPED", "Process", "Report"]

OUTPUT_LIMIT = 8 << 20
"""Bytes a learner's program may print before it is ended: 8 MiB."""

REPORT_LIMIT = 16 << 20
"""Bytes that one report may have: 1 MiB of a value, each character escaped."""

OUTPUT_KEPT = 1 << 18
"""Bytes of its output that are kept, the first ones and the last: 256 KiB."""

MEMORY_LIMIT = 1 << 30
"""Bytes a learner's program may hold before it is ended: 1 GiB."""

BEGIN = 30.0
"""Seconds that Python may take until it begins with the job. Generous: it takes a
third of one, and what the learner's code does is timed from there."""

ANSWER = 1.0
"""Seconds of computing within which the control thread has had its turn: it needs a
millisecond. Not by the clock, or a machine that stood still for a second would have
us say that the learner's code keeps Python busy."""

SILENCE = 10.0
"""Seconds by the clock that an answer may take. Generous: for who does not even
compute, such as a process that has stopped itself."""

LATE = 3.0
"""Seconds that the news of an end may take. Generous: the fork server tells it, in a
millisecond, if it is not kept waiting itself."""

Report = Mapping[str, Any]


class Spawned(subprocess.Popen[bytes]):
    """A process of its own from the start, where there are no forks."""

    def __init__(self, env: Mapping[str, str]) -> None:
        group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        super().__init__(
            forked.run_main("child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=ROOT,
            **group,
        )
        self.born = psutil.Process(self.pid).create_time()

    def release(self) -> None:
        """Nothing: its number has been free since its end was seen."""


class Process:
    """One process that does one job; `child.py` is its other end.

    It starts importing at once and waits; `begin` gives it the job. Everything it
    reports is kept in `reports`, everything it prints in `printed`, and in `output`
    together with what the server logs.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.memory = MEMORY_LIMIT
        self.reports: list[Report] = []
        self.ending: str | None = None  # why we ended it, if we did
        self.left_behind: list[str] = []
        self._key = uuid.uuid4().hex  # by which a report is told from a print
        self._news = threading.Condition()
        self._silent = False  # no report can come any more
        self._mute = False  # no print can come any more
        self._last_call: float | None = None  # until when a report is waited for
        self._asked = 0
        self._begun = False
        self._printed, self._output = _Kept(), _Kept()
        self._ended = threading.Event()
        self._end = threading.Lock()
        env = {**os.environ, **(env or {}), **forked.PYTHON, MARK: self.mark}
        self._popen = forked.fork(env) if forked.IS_POSSIBLE else Spawned(env)
        self._readers = [
            self._thread(self._read_reports, self._popen.stdout),
            self._thread(self._read_prints, self._popen.stderr),
        ]

    def _thread(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        return thread

    def _read_reports(self, stream: IO[bytes]) -> None:
        while line := stream.readline(REPORT_LIMIT):
            report = self._report(line)
            if report is None:
                self._keep(line)
            elif report["is"] == "log":
                self._keep(report["text"].encode(), logged=True)
            else:
                with self._news:
                    self.reports.append(report)
                    self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    def _report(self, line: bytes) -> Report | None:
        """The line as a report; None where the learner's code has written it."""
        with suppress(ValueError, TypeError, KeyError):
            report: Report = json.loads(line)
            return report if report["key"] == self._key else None
        return None

    def _read_prints(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            self._keep(chunk)
        with self._news:
            self._mute = True
            self._news.notify_all()

    def _keep(self, text: bytes, *, logged: bool = False) -> None:
        self._output.add(text)
        if not logged:
            self._printed.add(text)
            with self._news:
                self._news.notify_all()
        if self._output.size > OUTPUT_LIMIT and self.ending is None:
            self._condemn(f"it printed more than {OUTPUT_LIMIT >> 20} MiB")

    def _condemn(self, why: str) -> None:
        """End it from another thread: those that read must go on reading."""
        if self.ending is None:
            self.ending = why
            self._thread(self.end, why)

    def _watch_memory(self) -> None:
        """From here and not from the child: there, a long operation in C would
        keep every other thread from running."""
        with suppress(psutil.Error, ProcessLookupError):
            process = psutil.Process(self.pid)
            while not self._ended.wait(0.1):
                if process.memory_info().rss > self.memory:
                    self._condemn(f"it held more than {self.memory >> 20} MiB")
                    return

    @property
    def output(self) -> str:
        """What it printed and logged; of much, the first and the last 128 KiB."""
        return self._output.text

    @property
    def printed(self) -> str:
        """What the learner's code printed, without the server's log."""
        return self._printed.text

    def last_prints(self, count: int = 5) -> list[str]:
        """The last lines that the learner's code printed; empty ones do not count."""
        if self.status is not None:
            self._readers[1].join(1.0)
        else:
            self._catch_up()
        lines = [line for line in self.printed.splitlines() if line.strip()]
        return lines[-count:]

    def _catch_up(self) -> None:
        """Read all that was printed until now: the child prints a mark behind it."""
        mark = f"\0{uuid.uuid4().hex}\0"
        if self.ask("mark", text=mark) is not None:
            with self._news:
                self._news.wait_for(
                    lambda: self._mute or mark in self._printed.raw, ANSWER
                )

    @property
    def status(self) -> int | None:
        """Its exit status; negative for a signal; None while it lives."""
        return self._popen.poll()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def begin(self, job: Mapping[str, object]) -> None:
        """Give it its job; see `child.py`. Returns when it has begun with it."""
        self._write({"memory": self.memory, "key": self._key, **job})
        self._begun = True
        self._thread(self._watch_memory)
        self.wait_for("begun", timeout=BEGIN)

    def _write(self, line: Mapping[str, object]) -> None:
        stdin = self._popen.stdin
        with suppress(OSError, ValueError):  # it has gone: the answer will tell
            if stdin is not None:
                stdin.write(json.dumps(line).encode() + b"\n")
                stdin.flush()

    def wait_for(self, *kinds: str, timeout: float) -> Report | None:
        """The first report of one of these kinds, such as "ready" and "failed".

        Args:
            kinds: the kinds.
            timeout: in seconds.

        Returns:
            The report, or None where it did not come in time or cannot come.
        """
        return self.await_report(lambda report: report["is"] in kinds, timeout)

    def await_report(
        self, seen: Callable[[Report], bool], timeout: float
    ) -> Report | None:
        """The first report of which `seen` is true, past or to come.

        Args:
            seen: whether it is the one.
            timeout: in seconds.

        Returns:
            The report, or None where it did not come in time or cannot come.
        """
        deadline = time.monotonic() + timeout
        return self._await_report(seen, lambda: time.monotonic() < deadline)

    def _await_report(
        self, seen: Callable[[Report], bool], may_come: Callable[[], bool]
    ) -> Report | None:
        looked = 0
        with self._news:
            while True:
                found = next(filter(seen, self.reports[looked:]), None)
                looked = len(self.reports)
                if found is not None or self._silent or not may_come():
                    return found
                if self.status is not None:
                    # A fork of it may hold the pipe open: what was written before
                    # the end is read at once, more does not come.
                    now = time.monotonic()
                    self._last_call = self._last_call or now + LATE / 2
                    if now >= self._last_call:
                        return None
                self._news.wait(0.1)

    def ask(
        self, what: str, timeout: float | None = None, **facts: object
    ) -> Report | None:
        """Ask the control thread; None where it does not answer.

        Args:
            what: the question; see `child.py`.
            timeout: in seconds by the clock; None: until it should have had its turn.
            facts: what goes with the question.
        """
        if not self._begun:
            return None
        with self._news:
            self._asked += 1
            number = self._asked
        self._write({"ask": what, "number": number, **facts})
        seen = partial(is_answer, number)
        if timeout is not None:
            return self.await_report(seen, timeout)
        begun, most = time.monotonic(), self._computed() + ANSWER
        return self._await_report(
            seen,
            lambda: time.monotonic() - begun < SILENCE and self._computed() < most,
        )

    def _computed(self) -> float:
        """Seconds for which it has computed; 0 when it has gone."""
        with suppress(psutil.Error, ProcessLookupError):
            spent = psutil.Process(self.pid).cpu_times()
            return spent.user + spent.system
        return 0.0

    def where(self) -> Report | None:
        """Where its code is now, or was when it was last asked."""
        now = self.ask("where")
        if now is not None:
            return now
        return next((r for r in reversed(self.reports) if r["is"] == "where"), None)

    def is_cut_off(self) -> bool:
        """It runs and yet cannot report: its code has closed the way to us."""
        return self._silent and self.join(LATE) is None

    def started(self) -> list[str]:
        """The command lines of what it has started and not ended."""
        return sorted(map(descendants.describe, self._others()))

    def _others(self) -> set[psutil.Process]:
        with suppress(ProcessLookupError):
            return descendants.find(self.pid, self.mark, self._popen.born)
        return set()

    def join(self, timeout: float) -> int | None:
        """Wait for its end, at most `timeout` seconds; its exit status or None."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self.status

    def interrupt(self) -> None:
        """Tell it to stop, as a deployment would: SIGTERM."""
        self._popen.terminate()

    def end(self, why: str | None = None) -> None:
        """End it and all it started, now. Ending twice is ending once.

        Args:
            why: the reason to be told, where it was not simply over.
        """
        with self._end:
            if self._ended.is_set():
                return
            self._ended.set()
            if why is not None and self.status is None:
                self.ending = self.ending or why
                self.ask("where")  # what it did at the end, for the message
            others = self._others()
            if others and self.status is not None:
                # What multiprocessing keeps for itself ends just after its parent.
                others = set(psutil.wait_procs(others, timeout=0.3)[1])
                others -= set(psutil.wait_procs(helpers(others), timeout=LATE)[0])
            self.left_behind = sorted(map(descendants.describe, others))
            # Once it is reaped, its number may mean another group.
            if sys.platform != "win32" and self._popen.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            self._popen.kill()
            self._popen.wait()
            with suppress(ProcessLookupError):
                descendants.end(self.pid, self.mark, self._popen.born, others)
            self._popen.release()
        self._close()

    def _close(self) -> None:
        popen = self._popen
        close(popen.stdin)
        for reader, stream in zip(
            self._readers, (popen.stdout, popen.stderr), strict=True
        ):
            reader.join(1.0)
            if not reader.is_alive():  # else closing would wait for it
                close(stream)


def is_answer(number: int, report: Report) -> bool:
    """Whether this answers the question of this number."""
    return report.get("number") == number


def helpers(processes: set[psutil.Process]) -> list[psutil.Process]:
    """Those that multiprocessing keeps for itself."""
    return [one for one in processes if descendants.describe(one) == HELPER]


def close(stream: IO[bytes] | None) -> None:
    """Close our end of a pipe, whatever has become of the other end."""
    with suppress(OSError, ValueError):
        if stream is not None:
            stream.close()


class _Kept:
    """The beginning and the end of a text that may go on for ever."""

    def __init__(self) -> None:
        self.size = 0
        self._head, self._tail = bytearray(), bytearray()
        self._lock = threading.Lock()

    def add(self, text: bytes) -> None:
        half = OUTPUT_KEPT // 2
        with self._lock:
            self.size += len(text)
            room = max(0, half - len(self._head))
            self._head += text[:room]
            self._tail += text[room:]
            del self._tail[:-half]

    @property
    def text(self) -> str:
        return re.sub("\0[0-9a-f]{32}\0", "", self.raw)

    @property
    def raw(self) -> str:
        """The text with the marks in it."""
        with self._lock:
            cut = self.size > len(self._head) + len(self._tail)
            middle = b"\n[...]\n" if cut else b""
            return (self._head + middle + self._tail).decode("utf-8", "replace")
