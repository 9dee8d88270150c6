"""An app on a real uvicorn, in a thread of a notebook's kernel."""

import logging
import re
import socket
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import uvicorn

from workbook.address import Address

START = STOP = 10.0
"""Seconds that a start or a stop may take. Generous: a stop takes 0.3 s."""

GRACE = 2
"""Seconds that handlers get to end by themselves when their server stops."""

ROUTINE = re.compile(
    r"(Started|Finished) server|Waiting for|Application (startup|shutdown) complete"
    r"|Shutting down|connection (open|closed|rejected)"
)
"""What uvicorn logs of every app and every connection: it is not kept."""


class ThreadedServer(Address):
    """One app served by uvicorn on a free port of 127.0.0.1, in this process.

    Use it in a `with`, or call `stop`. It is used like `Server`, but only for code
    that ends: nothing in this process survives an endless loop.

    Args:
        app: the ASGI app itself.
        options: of `uvicorn.Config`, such as `ws_max_size=1000`.

    Raises:
        RuntimeError: the app did not start; the text holds what was logged.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__()
        self._lines: list[str] = []
        # The loop of the standard library: then every system tells the same story.
        fixed: dict[str, Any] = {"timeout_graceful_shutdown": GRACE, "loop": "asyncio"}
        options = {**fixed, **options}
        config = uvicorn.Config(app, log_config=None, log_level="info", **options)
        self._uvicorn = _Uvicorn(config)
        # Of a socket that does not say TCP asyncio does not switch off Nagle's wait:
        # the second of two small writes would come 40 ms late.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._uvicorn.settled.wait(START)
        if not self._uvicorn.started:
            raise RuntimeError("\n".join(["the app did not start", *self._lines]))

    def _run(self) -> None:
        _listen()
        _here.lines = self._lines
        try:
            with suppress(SystemExit):  # uvicorn's way to say that it did not start
                self._uvicorn.run([self._socket])
        finally:
            self._socket.close()
            self._uvicorn.settled.set()

    def end(self) -> None:
        self.stop()

    def stop(self) -> None:
        """End, closing what is open with 1012; a second call does nothing.

        Raises:
            TimeoutError: a handler ignores that it was cancelled.
        """
        self._uvicorn.should_exit = True
        self._thread.join(STOP)
        if self._thread.is_alive():
            raise TimeoutError("the server did not stop: restart the kernel")

    @property
    def log(self) -> str:
        """What the server logged, without what it logs of every app.

        Ports are left out, for they differ from run to run. Of a traceback the
        frames of libraries are counted, not shown, but for the last.
        """
        return "\n".join(self._lines)


class _Uvicorn(uvicorn.Server):
    """Says when it has started, or has given up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


# Logging and warnings are those of the whole process. Each server has a thread, and
# takes what comes from it.
_here = threading.local()


def _lines_here() -> list[str] | None:
    return getattr(_here, "lines", None)


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage().strip()
        lines = _lines_here()
        if lines is None or ROUTINE.match(said):
            return
        said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", said)
        lines.append(f"{record.levelname + ':':9} {said}")
        if record.exc_info and record.exc_info[1]:
            lines.extend(fold(record.exc_info[1]))


_ear = _Ear()
_show_elsewhere = warnings.showwarning


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    lines = _lines_here()
    if lines is None:
        _show_elsewhere(message, category, filename, lineno, file, line)
    else:
        lines.append(f"{category.__name__}: {message}")


def _listen() -> None:
    global _show_elsewhere
    for name in ("uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).addHandler(_ear)  # once: it is the same one
    if warnings.showwarning is not _show:
        _show_elsewhere, warnings.showwarning = warnings.showwarning, _show
    # Python would show it once for each line, but a cell may run twice.
    warnings.filterwarnings("always", "coroutine .* never awaited", RuntimeWarning)


def fold(error: BaseException) -> list[str]:
    """A traceback, its libraries' frames counted and not shown, but for the last.

    No line holds a path of this machine.
    """
    lines = ["Traceback (most recent call last):"]
    stack = traceback.extract_tb(error.__traceback__)
    hidden = 0
    for frame in stack:
        if "site-packages" in frame.filename and frame is not stack[-1]:
            hidden += 1
            continue
        if hidden:
            lines.append(f"  … frames of libraries: {hidden} …")
            hidden = 0
        lines += [f"  {_place(frame)}", f"    {frame.line}"]
    return [*lines, f"{type(error).__name__}: {error}"]


def _place(frame: traceback.FrameSummary) -> str:
    """Where a frame is: a cell, or a file by its last two names."""
    if "ipykernel" in frame.filename or frame.filename.startswith("<"):
        return f"line {frame.lineno} of the cell, in {frame.name}"
    return f"{'/'.join(Path(frame.filename).parts[-2:])}, in {frame.name}"
