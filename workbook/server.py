"""An app on a real uvicorn, in a process of its own, or in several."""

import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbook.address import Address
from workbook.failure import Line
from workbook.process import Process, Report
from workbook.tether import Tether

START = 20.0
"""Seconds that an app may take to start. Generous: it takes half a second."""


class NotServing(Exception):
    """The app did not come up. `report` says what the process last said, if it did."""

    def __init__(self, text: str, report: Report | None) -> None:
        super().__init__(text)
        self.report = report


class Server(Address):
    """One app served by uvicorn on a free port of 127.0.0.1 in a child process.

    Use it in a `with`; leaving ends the process and all that it started.

    Args:
        file: the Python file that holds the app.
        app: the app's name in it.
        env: more environment variables for the process.
        constants: other values, plain as JSON has them, for module constants of the
            file. They are set when it has been imported.
        process: one that has been started already, to save the time of importing.
        start: seconds that the app may take until it answers.
        options: of `uvicorn.Config`, such as `ws_ping_interval=0.3`.

    Raises:
        NotServing: the file could not be imported, holds no such app or constant,
            or took longer than `start`.
    """

    def __init__(
        self,
        file: Path,
        *,
        app: str = "app",
        env: Mapping[str, str] | None = None,
        constants: Mapping[str, object] | None = None,
        process: Process | None = None,
        start: float = START,
        **options: Any,
    ) -> None:
        super().__init__()
        self.file = file
        self.process = process or Process()
        job = {
            "serve": str(file),
            "app": app,
            "options": options,
            "env": dict(env or {}),
        }
        self.process.begin({**job, "constants": dict(constants or {})})
        report = self.process.wait_for("ready", "failed", timeout=start)
        if report is None or report["is"] != "ready":
            if process is None:
                self.process.end()
            raise NotServing(f"{file.name} is not serving{_why(report)}", report)
        self.port = int(report["port"])
        self.routes: list[list[str]] = report["routes"]
        self.idle_tasks = int(report["tasks"])  # as many as there are without clients
        self.lifelong: list[str] = report["own"]  # those of them that are the app's

    def end(self) -> None:
        self.process.end()

    @property
    def log(self) -> str:
        """What the server has logged and the app has printed."""
        return self.process.output

    def waiting(self, port: int | None = None) -> list[Line]:
        """The lines of the app at which its tasks wait now.

        Args:
            port: the client's port, for the task that serves this client alone.
        """
        report = self.process.ask("where") or {}
        return [
            Line(*line)
            for client, *line in report.get("waiting", [])
            if port is None or port == client
        ]

    def tasks(self) -> int | None:
        """How many asyncio tasks there are now; None where the process is silent."""
        report = self.process.ask("where")
        return None if report is None else int(report["tasks"])

    def left(self) -> list[str]:
        """What those tasks of the app run that had not been there without clients."""
        report = self.process.ask("where") or {}
        now: list[str] = report.get("own", [])
        return list((Counter(now) - Counter(self.lifelong)).elements())

    def running(self) -> Line | None:
        """The line of the app that holds the event loop now, if one does."""
        report = self.process.ask("where") or {}
        line = report.get("running")
        return None if line is None else Line(*line)


def _why(report: Report | None) -> str:
    if report is None or report["error"] != "no constant":
        return ""
    there = ", ".join(report["names"]) or "none"
    return f": it has no {', '.join(report['missing'])}; there are: {there}"


class Workers(Address):
    """One app served by `uvicorn --workers N`: processes that share a port.

    Use it in a `with`; leaving ends them all. Which of them a client gets, the
    system decides.

    Args:
        file: the Python file that holds the app.
        count: how many workers.
        app: the app's name in it.
        env: more environment variables for them.
        start: seconds that they may take until all of them serve.
        options: more of uvicorn's, such as "--ws-ping-interval", "0.3".

    Raises:
        NotServing: they took longer, or ended; the text has the end of their log.
    """

    def __init__(
        self,
        file: Path,
        count: int,
        *options: str,
        app: str = "app",
        env: Mapping[str, str] | None = None,
        start: float = START,
    ) -> None:
        super().__init__()
        self.count = count
        self._last: str | None = None
        folder = Path(tempfile.mkdtemp(prefix="workbook-workers-"))
        self._file = folder / "log"
        place, name = file.parent, file.stem
        if file.with_name("__init__.py").exists():  # `from .room import Room`
            place, name = place.parent, f"{place.name}.{name}"
        command = [sys.executable, "-m", "uvicorn", f"{name}:{app}"]
        command += ["--app-dir", str(place), "--host", "127.0.0.1", "--port", "0"]
        command += ["--workers", str(count), "--no-use-colors", *options]
        more = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
        with self._file.open("wb") as log:
            self._tether = Tether(
                command,
                folder=folder,
                output=log,
                env={**os.environ, **(env or {}), **more},
                cwd=file.parent,
            )
        try:
            self.port = self._await_port(start)
        except NotServing:
            self.end()
            raise

    def _await_port(self, start: float) -> int:
        deadline = time.monotonic() + start
        while True:
            log = self.log
            found = re.search(r"running on http://127\.0\.0\.1:(\d+)", log)
            up = log.count("Application startup complete.") >= self.count
            if found is not None and up:
                return int(found[1])
            # One that dies is started again and again, and would be for ever.
            died = re.search(r"Child process \[\d+\] died", log)
            late = time.monotonic() > deadline
            if died or late or not self._tether.is_alive():
                end = "\n".join(self.log.splitlines()[-20:])
                raise NotServing(f"{self.count} workers are not serving:\n{end}", None)
            time.sleep(0.02)

    def end(self) -> None:
        """End them all, now; their log can still be read."""
        if self._last is None:
            self._last = self.log
        self._tether.end()

    @property
    def log(self) -> str:
        """What they have logged and printed so far."""
        if self._last is not None:
            return self._last
        return self._file.read_text("utf-8", "replace")

    @property
    def pids(self) -> list[int]:
        """The workers' process numbers, in the order in which they were started."""
        return [int(n) for n in re.findall(r"Started server process \[(\d+)", self.log)]
