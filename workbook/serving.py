"""The server process of `learn.py run`: imports the learner's file and serves it.

`python -m workbook.serving FILE PORT URL WORKERS [FD]`, from the workbook's folder.
URL is the page to open when all is up, or empty; FD is the number of a socket that
listens on PORT already. With more than one worker this process is uvicorn's supervisor:
each worker imports the file for itself.
"""

import asyncio
import importlib
import logging
import multiprocessing
import os
import re
import socket
import sys
import traceback
import webbrowser
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

from workbook.running import HOST, NOT_STARTED, ROOT, end_with_parent

SERVED = "WORKBOOK_SERVED"
"""The environment variable that tells a worker which file it serves."""

GRACE = 1
"""Seconds that uvicorn gives handlers to end when it is told to stop."""


def serve(
    file: Path, port: int, url: str, workers: int, listener: socket.socket | None
) -> int:
    """Serve `app` of `file` until told to stop; returns the exit status."""
    try:
        module = import_file(file)
    except KeyboardInterrupt:
        return 0
    except BaseException as error:
        print(explain(error, file), file=sys.stderr)
        return NOT_STARTED
    app = getattr(module, "app", None)
    if not callable(app):
        print(without_app(module, file), file=sys.stderr)
        return NOT_STARTED

    options: dict[str, Any] = {
        "host": HOST,
        "port": port,
        "timeout_graceful_shutdown": GRACE,
        # It saves bytes on the way, which cost nothing within one machine: what it
        # costs stands in benchmarks/README.md.
        "ws_per_message_deflate": False,
        "use_colors": False if os.environ.get("NO_COLOR") else None,
    }
    try:
        if workers == 1:
            serve_alone(app, url, listener, options)
        else:
            os.environ[SERVED] = file.as_posix()
            supervise(workers, url, listener, options)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"Port {port} was taken by another program: {error}.", file=sys.stderr)
        return NOT_STARTED
    return 0


def import_file(file: Path) -> ModuleType:
    """Import a file of the workbook's by its dotted name."""
    return importlib.import_module(".".join(file.with_suffix("").parts))


def serve_alone(
    app: Any, url: str, listener: socket.socket | None, options: dict[str, Any]
) -> None:
    """Serve in this process."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if url:
                Thread(target=open_page, args=(url,), daemon=True).start()

    config = uvicorn.Config(app, **options)
    logging.getLogger("uvicorn.error").addFilter(cancelled_in_one_line)
    Server(config).run([listener] if listener else None)


def supervise(
    workers: int, url: str, listener: socket.socket | None, options: dict[str, Any]
) -> None:
    """Have so many workers serve."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    app = "workbook.serving:load"
    config = uvicorn.Config(app, factory=True, workers=workers, **options)
    sock = listener or config.bind_socket()
    if url:
        # The port listens: the browser is answered when the first worker is up.
        Thread(target=open_page, args=(url,), daemon=True).start()
    Multiprocess(config, [sock]).run()


def load() -> Any:
    """The app, in a worker; its file has been imported once by the supervisor."""
    if (supervisor := multiprocessing.parent_process()) is not None:
        end_with_parent(supervisor.pid or 0)
    logging.getLogger("uvicorn.error").addFilter(cancelled_in_one_line)
    return import_file(Path(os.environ[SERVED])).app


def open_page(url: str) -> None:
    with suppress(webbrowser.Error):
        webbrowser.open(url)


def explain(error: BaseException, file: Path) -> str:
    """Why importing `file` failed: one sentence, and the learner's line."""
    kind = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{shown(error.filename)}, line {error.lineno}"
        code = (error.text or "").rstrip()
        indent = len(code) - len(code.lstrip())
        caret = " " * max((error.offset or 1) - 1 - indent, 0) + "^"
        return f"{place}: {error.msg} ({kind}).\n    {code.strip()}\n    {caret}"
    if isinstance(error, SystemExit):
        kind, text = "SystemExit", "it ends the program while it is being imported"
    else:
        text = str(error) or "no more is said"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(frame.filename)]
    if not own:
        return f"{file.as_posix()}: {text} ({kind})."
    last = own[-1]
    return (
        f"{shown(last.filename)}, line {last.lineno}: {text} ({kind}).\n    {last.line}"
    )


def cancelled_in_one_line(record: logging.LogRecord) -> bool:
    """Of a handler that had to be cancelled, log its line and not the traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, asyncio.CancelledError):
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"line {f.lineno}: {f.line}" for f in frames if is_own(f.filename)]
        place = places[-1] if places else "a library"
        record.msg = "A handler did not end when its connection was closed: %s"
        record.args, record.exc_info = (place,), None
    return True


def is_own(filename: str) -> bool:
    """Whether a file is a chapter's or the learner's, and not the machinery's."""
    return Path(filename).is_relative_to(ROOT / "chapters")


def shown(filename: str) -> str:
    """A path as the learner knows it."""
    path = Path(filename)
    return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()


def without_app(module: ModuleType, file: Path) -> str:
    """What to say about a file whose `app` is missing, renamed, or something else."""
    values = vars(module)
    if "app" in values:
        kind = type(values["app"]).__name__
        return f"{file.as_posix()}: `app` is of type {kind}, not a FastAPI application."
    sentence = f"{file.as_posix()} has no `app`, the name that the server looks for."
    for name, value in values.items():
        if type(value).__name__ == "FastAPI":
            place = line_of(name, ROOT / file)
            return f"{sentence}\nYour application is called `{name}`{place}: rename it."
    return f"{sentence}\nIt needs a line such as: app = FastAPI()"


def line_of(name: str, file: Path) -> str:
    """Where a file gives `name` its value, to follow a name: " in line 9"."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if re.match(rf"{name}\s*[:=]", line):
            return f" in line {number}"
    return ""


def main(argv: list[str]) -> int:
    """Serve what the command line names."""
    file, port, url, workers, parent, *number = argv
    end_with_parent(int(parent))
    listener = socket.socket(fileno=int(number[0])) if number else None
    return serve(Path(file), int(port), url, int(workers), listener)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
