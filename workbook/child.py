"""What runs inside the process that holds a learner's file.

`process.py` starts it with `python -m workbook.child`. It imports what every app
needs, then reads one job, a line of JSON, from standard input, and does it:

- `{"serve": FILE, "app": NAME, "options": {...}}`: serve the app with uvicorn.
- `{"call": FILE}`: import the file, then call its functions as lines ask for it.

It reports in lines of JSON on standard output; what the learner's code prints goes
to standard error, so that no print can be taken for a report. When standard input
ends, the parent has gone, and everything here ends with it.
"""

import ast
import asyncio
import importlib
import importlib.util
import inspect
import json
import linecache
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import CoroutineType, FrameType, ModuleType
from typing import Any, TextIO, cast

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

current_frames = sys._current_frames  # pyright: ignore[reportPrivateUsage]

SENDS_KEPT = 200
"""How many sends of a connection keep the line that made them."""

VALUE_KEPT = 1 << 20
"""Characters that are kept of a returned value's repr: room for a 64-bit frame's."""

WARM = (
    "fastapi",
    "psutil",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What is imported before the job comes: what nearly every app needs."""


class Reports:
    """Lines of JSON to the parent, whole lines only."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def __call__(self, kind: str, **facts: object) -> None:
        line = json.dumps({"is": kind, **facts})
        with self._lock, suppress(OSError):  # the parent may have gone
            self._out.write(line + "\n")
            self._out.flush()


class Learner:
    """The learner's file: knows which frames are theirs."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.folder = str(Path(file).parent)

    def owns(self, filename: str) -> bool:
        """Whether code of this file is the learner's: theirs, or one beside it."""
        return filename.startswith(self.folder) and "site-packages" not in filename

    def import_file(self) -> ModuleType:
        """Import the file under a name of its own."""
        sys.path.insert(0, self.folder)
        name = Path(self.file).stem
        spec = importlib.util.spec_from_file_location(name, self.file)
        if spec is None or spec.loader is None:
            raise ImportError(f"not a Python file: {self.file}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def crash(self, error: BaseException) -> dict[str, object]:
        """An exception as facts, with the learner's own frames of its traceback."""
        while isinstance(error, BaseExceptionGroup):
            error = cast("tuple[BaseException, ...]", error.exceptions)[0]
        stack = traceback.extract_tb(error.__traceback__)
        frames = [
            [frame.filename, frame.lineno or 0, frame.name, frame.line or ""]
            for frame in stack
            if self.owns(frame.filename)
        ]
        if isinstance(error, SyntaxError) and error.filename:
            code = (error.text or "").rstrip("\n")
            frames.append([error.filename, error.lineno or 0, "", code])
            text = error.msg
        else:
            text = str(error)
        return {"error": type(error).__name__, "text": text[:500], "frames": frames}

    def line_of(self, frame: FrameType | None) -> list[object] | None:
        """The innermost line of the learner's in a running stack."""
        while frame is not None:
            if self.owns(frame.f_code.co_filename):
                name, number = frame.f_code.co_filename, frame.f_lineno
                return [name, number, linecache.getline(name, number).strip()]
            frame = frame.f_back
        return None


def waiting_line(learner: Learner, task: asyncio.Task[Any]) -> list[object] | None:
    """The innermost line of the learner's at which a suspended task waits."""
    found: list[object] | None = None
    coroutine: object = task.get_coro()
    while isinstance(coroutine, CoroutineType):
        found = learner.line_of(coroutine.cr_frame) or found
        coroutine = coroutine.cr_await
    return found


class Witness:
    """ASGI around the learner's app: sees what it does, changes nothing."""

    def __init__(self, app: Any, learner: Learner, report: Reports) -> None:
        self.app = app
        self.learner = learner
        self.report = report
        self.sends: dict[int, list[list[object] | None]] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        port = int((scope.get("client") or ("", 0))[1])
        seen: dict[str, object] = {"path": scope["path"], "type": scope["type"]}
        lines = self.sends[port] = []

        async def watched_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                seen["gone"] = True
            return message

        async def watched_send(message: Message) -> None:
            kind = message["type"].rpartition(".")[2]
            line = self.learner.line_of(inspect.currentframe())
            if kind == "send" and len(lines) < SENDS_KEPT:
                lines.append(line)
            elif kind == "close":
                seen["close_line"] = line
            await send(message)
            seen[kind] = True

        self.report("call", port=port, path=scope["path"], type=scope["type"])
        try:
            await self.app(scope, watched_receive, watched_send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.report("crash", port=port, seen=seen, **self.learner.crash(error))
            raise
        self.report("returned", port=port, seen=seen)


def routes_of(app: Any) -> list[list[str]]:
    """The app's routes in their order: kind and path."""
    kinds = {"APIWebSocketRoute": "websocket", "WebSocketRoute": "websocket"}
    kinds["Mount"] = "mount"
    found: list[list[str]] = []
    for route in cast(list[Any], getattr(app, "routes", [])):
        kind = kinds.get(type(route).__name__, "http")
        found.append([kind, str(getattr(route, "path", ""))])
    return found


class Control(threading.Thread):
    """Reads the parent's questions, also while the learner's code hogs the loop."""

    def __init__(
        self, questions: TextIO, learner: Learner, report: Reports, memory: int
    ) -> None:
        super().__init__(daemon=True)
        self.questions = questions
        self.learner = learner
        self.report = report
        self.memory = memory
        self.main = threading.main_thread().ident or 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.witness: Witness | None = None
        self.calls: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()

    def run(self) -> None:
        threading.Thread(target=self.watch_memory, daemon=True).start()
        for line in self.questions:
            question = json.loads(line)
            match question["ask"]:
                case "where":
                    self.report("where", **self.where())
                case "sends":
                    lines = self.witness.sends if self.witness else {}
                    self.report("sends", lines=lines.get(question["port"], []))
                case "call":
                    self.calls.put([question["name"], question["arguments"]])
                case other:
                    raise ValueError(f"unknown question {other!r}")
        end_with_everything()

    def where(self) -> dict[str, object]:
        """Where the learner's code is: running, or waiting in an await."""
        running = self.learner.line_of(current_frames().get(self.main))
        waiting: list[list[object]] = []
        if self.loop is not None:
            for task in asyncio.all_tasks(self.loop):
                line = waiting_line(self.learner, task)
                if line is not None:
                    waiting.append(line)
        return {"running": running, "waiting": waiting}

    def watch_memory(self) -> None:
        """End the process when it holds more than `memory` bytes."""
        import psutil

        process = psutil.Process()
        while True:
            time.sleep(0.1)
            held = process.memory_info().rss
            if held > self.memory:
                self.report("memory", bytes=held, **self.where())
                end_with_everything()


def end_with_everything() -> None:
    """End this process, and what the learner's code started in its group."""
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def serve(job: dict[str, Any], learner: Learner, report: Reports, ask: Control) -> None:
    """Serve the file's app with uvicorn on a free port of 127.0.0.1."""
    import uvicorn

    try:
        module = learner.import_file()
    except BaseException as error:
        report("failed", **learner.crash(error))
        raise
    app = getattr(module, job["app"], None)
    if not callable(app):
        names = [n for n, v in vars(module).items() if type(v).__name__ == "FastAPI"]
        report("failed", error="no app", names=names, text=type(app).__name__)
        raise SystemExit(3)
    ask.witness = witness = Witness(app, learner, report)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ask.loop = asyncio.get_running_loop()
            report("ready", port=listener.getsockname()[1], routes=routes_of(app))

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(witness, use_colors=False, **job["options"])
    Server(config).run([listener])


def answer_calls(learner: Learner, report: Reports, calls: Iterator[list[Any]]) -> None:
    """Call the file's functions, as the parent asks for it."""
    try:
        module = learner.import_file()
    except BaseException as error:
        report("failed", **learner.crash(error))
        raise
    report("ready", port=0, routes=[])
    for name, arguments in calls:
        function = getattr(module, name, None)
        if not callable(function):
            names = [n for n, v in vars(module).items() if callable(v)]
            report("answer", missing=name, names=names)
            continue
        try:
            value = function(*ast.literal_eval(arguments))
        except BaseException as error:
            report("answer", crash=learner.crash(error))
        else:
            report("answer", value=repr(value)[:VALUE_KEPT], type=type(value).__name__)


def main() -> None:
    """Take over the standard streams, import the heavy, wait for the job, do it."""
    report = Reports(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)

    for name in WARM:
        importlib.import_module(name)
    line = questions.readline()
    if not line:
        return  # never needed
    job: dict[str, Any] = json.loads(line)
    learner = Learner(job.get("serve") or job["call"])
    control = Control(questions, learner, report, job["memory"])
    control.start()
    if "serve" in job:
        serve(job, learner, report, control)
    else:
        answer_calls(learner, report, iter(control.calls.get, []))


if __name__ == "__main__":
    main()
