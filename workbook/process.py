"""A process that holds a learner's file, and can always be ended.

The learner's code may hang, exit, print without end, eat memory or leave children
behind; what it does stays in that process, and its end is told in one sentence.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

import psutil

from workbook.course import ROOT

MARK = "WORKBOOK_CHILD"
"""The environment variable by which a process is known as a child's child."""

OUTPUT_LIMIT = 8 << 20
"""Bytes a learner's program may print before it is ended: 8 MiB."""

OUTPUT_KEPT = 1 << 18
"""Bytes of its output that are kept, the first ones: 256 KiB."""

MEMORY_LIMIT = 1 << 30
"""Bytes a learner's program may hold before it is ended: 1 GiB."""

Report = Mapping[str, Any]


class Process:
    """One process that does one job; `child.py` is its other end.

    It starts importing at once and waits; `begin` gives it the job. Everything it
    reports is kept in `reports`, everything it prints in `output`.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.reports: list[Report] = []
        self.ending: str | None = None  # why we ended it, if we did
        self.left_behind: list[str] = []
        self._answers: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._reported = threading.Condition()
        self._output = bytearray()
        self._printed = 0
        self._asking = threading.Lock()
        self._started = time.time()
        more = {MARK: self.mark, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        group: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "workbook.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {}), **more},
            cwd=ROOT,
            **group,
        )
        self._readers = [
            self._thread(self._read_reports, self._popen.stdout),
            self._thread(self._read_output, self._popen.stderr),
        ]

    def _thread(
        self, target: Callable[[IO[bytes]], None], stream: IO[bytes] | None
    ) -> threading.Thread:
        thread = threading.Thread(target=target, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _read_reports(self, stream: IO[bytes]) -> None:
        for line in stream:
            report: Report = json.loads(line)
            with self._reported:
                self.reports.append(report)
                self._reported.notify_all()
            if report["is"] in ("ready", "failed", "where", "sends", "answer"):
                self._answers.put(report)  # last: who has it has all before it
        self._answers.put(None)

    def _read_output(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            self._printed += len(chunk)
            self._output += chunk[: max(0, OUTPUT_KEPT - len(self._output))]
            if self._printed > OUTPUT_LIMIT and self.ending is None:
                self.end(f"it printed more than {OUTPUT_LIMIT >> 20} MiB")

    @property
    def output(self) -> str:
        """What it printed and logged, the first 256 KiB."""
        return self._output.decode("utf-8", "replace")

    @property
    def status(self) -> int | None:
        """Its exit status; negative for a signal; None while it lives."""
        return self._popen.poll()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def begin(self, job: Mapping[str, object]) -> None:
        """Give it its job; see `child.py`."""
        self._write({"memory": MEMORY_LIMIT, **job})

    def _write(self, line: Mapping[str, object]) -> None:
        stdin = self._popen.stdin
        with suppress(OSError, ValueError):  # it has gone: the answer will tell
            if stdin is not None:
                stdin.write(json.dumps(line).encode() + b"\n")
                stdin.flush()

    def wait_for(self, *kinds: str, timeout: float) -> Report | None:
        """The next report of one of these kinds.

        Args:
            kinds: such as "ready" and "failed".
            timeout: in seconds.

        Returns:
            The report, or None where the time ran out or the process ended.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                report = self._answers.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if report is None:
                self._answers.put(None)
                return None
            if report["is"] in kinds:
                return report

    def await_report(
        self, seen: Callable[[Report], bool], timeout: float
    ) -> Report | None:
        """The first report of which `seen` is true, past or to come.

        Args:
            seen: whether it is the one.
            timeout: in seconds.

        Returns:
            The report, or None where it did not come in time.
        """
        with self._reported:
            self._reported.wait_for(lambda: any(map(seen, self.reports)), timeout)
            return next(filter(seen, self.reports), None)

    def ask(self, what: str, timeout: float = 2.0, **facts: object) -> Report | None:
        """Ask the control thread; None where it does not answer in time."""
        with self._asking:
            self._write({"ask": what, **facts})
            return self.wait_for("answer" if what == "call" else what, timeout=timeout)

    def join(self, timeout: float) -> int | None:
        """Wait for its end, at most `timeout` seconds; its exit status or None."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self.status

    def interrupt(self) -> None:
        """Ask it to stop as Ctrl-C or a deployment would."""
        self._popen.terminate()

    def end(self, why: str | None = None) -> None:
        """End it and all it started, now. Ending twice is ending once.

        Args:
            why: the reason to be told, where it was not simply over.
        """
        if why is not None and self.ending is None and self.status is None:
            self.ending = why
        others = self._others()
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            self._popen.kill()
        self._popen.wait()
        for process in {*others, *self._others()}:
            with suppress(psutil.Error):
                self.left_behind.append(process.name())
            with suppress(psutil.Error):
                process.kill()
        for reader in self._readers:
            if reader is not threading.current_thread():
                reader.join(2)
        self._close()

    def _others(self) -> set[psutil.Process]:
        """The processes that the learner's code has started and not ended."""
        found: set[psutil.Process] = set()
        with suppress(psutil.Error):
            found.update(psutil.Process(self.pid).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid == self.pid or process.create_time() < self._started - 1:
                    continue
                if process.environ().get(MARK) == self.mark:
                    found.add(process)
        return {p for p in found if p.pid != self.pid and not _is_over(p)}

    def _close(self) -> None:
        for stream in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()


def _is_over(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
