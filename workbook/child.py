"""What runs inside the process that holds a learner's file.

`process.py` starts it, or `forkserver.py` forks it. It imports what every app needs,
then reads one job, a line of JSON, from standard input, and does it:

- `{"serve": FILE, "app": NAME, "options": {...}, "constants": {...}, "env": {...}}`:
  serve the app with uvicorn, some constants of the file given other values, and more
  environment variables.
- `{"call": FILE}`: import the file, then call its functions as lines ask for it.

It reports in lines of JSON on standard output, each with the key that came with the
job; what the learner's code prints goes to standard error, so that no print can be
taken for a report. When standard input ends, the parent has gone, and everything
here ends with it.
"""

import ast
import asyncio
import difflib
import gc
import importlib
import importlib.util
import inspect
import io
import linecache
import os
import pkgutil
import queue
import re
import signal
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from functools import partial
from json import dumps, loads  # by name: a learner's code may replace those of json
from pathlib import Path
from types import (
    AsyncGeneratorType,
    CoroutineType,
    FrameType,
    FunctionType,
    ModuleType,
)
from typing import Any, TextIO, cast

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MARK = "WORKBOOK_CHILD"
"""As in descendants.py, which is imported only when it is needed."""

current_frames = sys._current_frames  # pyright: ignore[reportPrivateUsage]

SENDS_KEPT = 200
"""How many sends of a connection keep the line that made them."""

VALUE_KEPT = 1 << 20
"""Characters that are kept of a returned value's repr: room for a 64-bit frame's."""

STOPPED = 143
"""Exit status of a program that was told to stop: 128 and SIGTERM's number."""

CUT_OFF = 170
"""Exit status when standard input has ended: nobody is there to ask any more."""

FRAMES_KEPT = 20
"""How many lines of a traceback are told, the innermost ones."""

OTHERS_KEPT = 100
"""How many exceptions of a group are named beside the first one."""

REPR_KEPT = 1 << 20
"""How many characters of a returned value are told."""

LOOP_TURNS = 0.25
"""Seconds after which an event loop that does nothing it is asked to stands still."""

SWITCH = 0.0001
"""Seconds after which a thread that wants to run makes another one pause; Python's
are 0.005. Whoever gives way by itself before, such as an event loop that turns all
the time, never has to pause, and our questions would have to wait for good luck."""

CPU_LIMIT = 900
"""Seconds of computing. The last resort where the parent was killed while one long
operation keeps the thread from running that would see it."""

UVICORN = str(
    Path(getattr(importlib.util.find_spec("uvicorn"), "origin", None) or "").parent
)
"""The folder of its code. Its tasks are none of the app's."""

SOON = 0.05
"""Seconds after which a job that has not come is one that somebody prepares for."""

WARM = (
    "fastapi",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What is imported before the job comes: what nearly every app needs."""


class Reports:
    """Lines of JSON to the parent, whole lines only."""

    def __init__(self, out: TextIO) -> None:
        self.key = ""
        self._out = out
        self._lock = threading.Lock()

    def __call__(self, kind: str, **facts: object) -> None:
        line = dumps({"is": kind, "key": self.key, **facts})
        with self._lock, suppress(OSError):  # the parent may have gone
            self._out.write(line + "\n")
            self._out.flush()


class Log(io.TextIOBase):
    """Where the server logs to: the reports, so that the order is kept."""

    def __init__(self, report: Reports) -> None:
        self._report = report

    def write(self, text: str) -> int:
        self._report("log", text=text)
        return len(text)


class Learner:
    """The learner's file: knows which frames are theirs."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.folder = str(Path(file).parent) + os.sep

    def owns(self, filename: str) -> bool:
        """Whether code of this file is the learner's: theirs, or one beside it."""
        return filename.startswith(self.folder) and "site-packages" not in filename

    def import_file(self) -> ModuleType:
        """Import the file under a name of its own."""
        file = Path(self.file)
        sys.path.append(self.folder)  # last: their redis.py is not the library
        name = file.stem
        if file.with_name("__init__.py").exists():  # `from .room import Room`
            sys.path.append(str(file.parent.parent))
            name = f"{importlib.import_module(file.parent.name).__name__}.{name}"
        spec = importlib.util.spec_from_file_location(name, self.file)
        if spec is None or spec.loader is None:
            raise ImportError(f"not a Python file: {self.file}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def crash(self, error: BaseException) -> dict[str, object]:
        """An exception as facts, with the learner's own frames of its traceback.

        Of a group it is the first, and the others are named.
        """
        error, *others = leaves(error)
        frames: list[list[object]] = []
        for frame in traceback.extract_tb(error.__traceback__):
            facts = (frame.filename, frame.lineno or 0, frame.name, frame.line or "")
            if self.owns(frame.filename) and [*facts] not in frames[-1:]:
                frames.append([*facts])
        text = str(error)
        if isinstance(error, SyntaxError) and error.filename:
            code = (error.text or "").rstrip("\n")
            frames.append([error.filename, error.lineno or 0, "", code])
            text = error.msg
        if isinstance(error, ImportError) and error.path:
            text = text.replace(f" ({error.path})", "")
        if meant := suggest(error):
            text = f"{text}. Did you mean: {meant!r}?"
        frames = frames[-FRAMES_KEPT:]
        named = [f"{type(e).__name__}: {e}".removesuffix(": ")[:200] for e in others]
        told = {"error": type(error).__name__, "text": text[:500], "frames": frames}
        return {**told, "others": named}

    def line_of(self, frame: FrameType | None) -> list[object] | None:
        """The innermost line of the learner's in a running stack."""
        while frame is not None:
            if self.owns(frame.f_code.co_filename):
                name, number = frame.f_code.co_filename, frame.f_lineno
                return [name, number, linecache.getline(name, number).strip()]
            frame = frame.f_back
        return None


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions in a group and in the groups in it; one alone is its own."""
    found: list[BaseException] = []
    left = [error]
    while left and len(found) <= OTHERS_KEPT:
        first = left.pop(0)
        if isinstance(first, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", first)
            left[:0] = group.exceptions
        else:
            found.append(first)
    return found


def set_constants(module: ModuleType, values: Message) -> dict[str, object]:
    """Give a module's constants other values; names what it lacks, and what it has."""
    for name in values.keys() & vars(module).keys():
        setattr(module, name, values[name])
    set_defaults(module, values)
    missing = sorted(values.keys() - vars(module).keys())
    return {"missing": missing, "names": [n for n in vars(module) if n.isupper()]}


def set_defaults(module: ModuleType, values: Message) -> None:
    """Give other values to default arguments, too: `def tick(pause: float = STEP)`.

    Python reads them once, at the def, and the constant's name is in the source alone.
    """
    tree = ast.parse("")
    with suppress(OSError, SyntaxError, ValueError):  # changed since it was imported
        tree = ast.parse(Path(module.__file__ or "").read_bytes())
    scopes: list[tuple[object, list[ast.stmt]]] = [(module, tree.body)]
    for owner, body in scopes:
        for node in body:
            made = vars(owner).get(getattr(node, "name", ""))
            if isinstance(node, ast.ClassDef) and isinstance(made, type):
                scopes.append((made, node.body))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                isinstance(made, FunctionType)
            ):
                made.__defaults__ = renewed(
                    node.args.defaults, made.__defaults__ or (), values
                )
                named = [arg.arg for arg in node.args.kwonlyargs]
                for name, given in zip(named, node.args.kw_defaults, strict=True):
                    if isinstance(given, ast.Name) and given.id in values:
                        (made.__kwdefaults__ or {})[name] = values[given.id]


def renewed(
    given: list[ast.expr], old: tuple[object, ...], values: Message
) -> tuple[object, ...]:
    """A function's defaults, those that name a constant with its new value."""
    if len(given) != len(old):  # the file has been changed since
        return old
    return tuple(
        values.get(default.id, value) if isinstance(default, ast.Name) else value
        for default, value in zip(given, old, strict=True)
    )


def suggest(error: BaseException) -> str | None:
    """The name that was probably meant, as Python suggests when it prints an error."""
    known: Iterable[str] = ()
    name = getattr(error, "name", None)
    match error:
        case NameError():
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                known = {**trace.tb_frame.f_globals, **trace.tb_frame.f_locals}
        case AttributeError():
            known = dir(error.obj)
        case ModuleNotFoundError():
            known = {module.name for module in pkgutil.iter_modules()}
        case ImportError():
            asked = re.search(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
            if asked is not None:
                name, known = asked[1], dir(sys.modules.get(asked[2]))
        case _:
            return None
    return next(iter(difflib.get_close_matches(str(name), known, 1, 0.75)), None)


def failed_tasks(learner: Learner) -> list[dict[str, object]]:
    """The exceptions of tasks that have ended, and that nobody has asked for.

    Whoever asks such a task, or awaits it, takes the mark away by which Python would
    say "Task exception was never retrieved". asyncio's own list has no ended ones.
    """
    ended = [one for one in gc.get_objects() if issubclass(type(one), asyncio.Task)]
    lost = [task for task in ended if getattr(task, "_log_traceback", False)]
    return [learner.crash(getattr(task, "_exception")) for task in lost]  # noqa: B009


def tasks_of_the_app(loop: asyncio.AbstractEventLoop | None = None) -> list[str]:
    """What its tasks run, such as `send_ticks`; without a loop, those of this one.

    Not those of uvicorn, of which one is whoever asks, nor asyncio's own for a
    connection that is being accepted.
    """
    coroutines = [task.get_coro() for task in asyncio.all_tasks(loop)]
    names = [getattr(one, "__qualname__", "") for one in coroutines]
    codes = [getattr(one, "cr_code", None) for one in coroutines]
    return [
        name
        for name, code in zip(names, codes, strict=True)
        if not name.endswith("._accept_connection2")
        and not (code is not None and code.co_filename.startswith(UVICORN))
    ]


def waiting_line(learner: Learner, task: asyncio.Task[Any]) -> list[object] | None:
    """The innermost line of the learner's at which a suspended task waits."""
    found: list[object] | None = None
    awaited: object = task.get_coro()
    while awaited is not None:
        if isinstance(awaited, CoroutineType):
            frame, awaited = awaited.cr_frame, awaited.cr_await
        elif isinstance(awaited, AsyncGeneratorType):
            frame, awaited = awaited.ag_frame, awaited.ag_await
        else:
            # What anext() gives, as for a lifespan, does not say what it waits for.
            inner = [one for one in gc.get_referents(awaited) if _may_wait(one)]
            frame, awaited = None, inner[0] if len(inner) == 1 else None
        found = learner.line_of(frame) or found
    return found


def _may_wait(thing: object) -> bool:
    return isinstance(thing, CoroutineType | AsyncGeneratorType)


class Witness:
    """ASGI around the learner's app: sees what it does, changes nothing."""

    def __init__(self, app: Any, learner: Learner, report: Reports) -> None:
        self.app = app
        self.learner = learner
        self.report = report
        self.sends: dict[int, list[list[object] | None]] = {}
        self.tasks: dict[asyncio.Task[Any] | None, int] = {}  # the client's port

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        port = int((scope.get("client") or ("", 0))[1])
        seen: dict[str, object] = {"path": scope["path"], "type": scope["type"]}
        lines = self.sends[port] = []
        self.tasks[asyncio.current_task()] = port
        readers = 0

        async def watched_receive() -> Message:
            nonlocal readers
            readers += 1
            if readers == 2:
                self.report("two readers", port=port)
            try:
                message = await receive()
            finally:
                readers -= 1
            if message["type"] == "websocket.disconnect":
                seen["gone"] = True
            return message

        async def watched_send(message: Message) -> None:
            kind = message["type"].rpartition(".")[2]
            line = self.learner.line_of(inspect.currentframe())
            if kind == "send" and not isinstance(message.get("text"), str | None):
                given = type(message["text"]).__name__
                self.report("no text", port=port, given=given, line=line)
            if kind == "send" and len(lines) < SENDS_KEPT:
                lines.append(line)
            elif kind == "close":
                seen["close_line"] = line
            await send(message)
            seen[kind] = True

        self.report("call", port=port, path=scope["path"], type=scope["type"])
        try:
            await self.app(scope, watched_receive, watched_send)
        except BaseException as error:
            seen["group"] = isinstance(error, BaseExceptionGroup)
            self.report("crash", port=port, seen=seen, **self.learner.crash(error))
            raise
        finally:
            self.tasks.pop(asyncio.current_task(), None)
        self.report("returned", port=port, seen=seen, own=tasks_of_the_app())

    async def lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        """Start and stop the app; a start that fails is a file that fails."""
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "lifespan.startup.complete"
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            kind = "crash" if started else "failed"
            self.report(kind, port=0, seen={}, **self.learner.crash(error))
            raise


def routes_of(app: Any) -> list[list[str]]:
    """The app's routes in their order, those of its routers too: kind and path."""
    from fastapi.routing import iter_route_contexts

    kinds = {"APIWebSocketRoute": "websocket", "WebSocketRoute": "websocket"}
    kinds["Mount"] = "mount"
    found: list[list[str]] = []
    for route in iter_route_contexts(getattr(app, "routes", [])):
        kind = kinds.get(type(route.original_route).__name__, "http")
        found.append([kind, route.path or ""])
    return found


class Goodbye:
    """Ends this process and all that the learner's code has started."""

    def __init__(self) -> None:
        self.mark = os.environ[MARK]  # now: the learner's code may clear it

    def __call__(self) -> None:
        with suppress(Exception):
            descendants = importlib.import_module("workbook.descendants")
            born = descendants.psutil.Process().create_time()
            descendants.end(os.getpid(), self.mark, born, set())
        os._exit(CUT_OFF)


class Control(threading.Thread):
    """Reads the parent's questions, also while the learner's code hogs the loop."""

    def __init__(
        self, questions: TextIO, learner: Learner, report: Reports, goodbye: Goodbye
    ) -> None:
        super().__init__(daemon=True)
        self.questions = questions
        self.learner = learner
        self.report = report
        self.goodbye = goodbye
        self.main = threading.main_thread().ident or 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self.witness: Witness | None = None
        self.module: ModuleType | None = None
        self.stage = "import"
        self.deaf = False  # the file took SIGTERM away when it was imported
        self.calls: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.lost: list[dict[str, object]] = []  # exceptions of tasks that are gone

    def lose(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what nobody was told but the event loop, which logs it as ever."""
        if isinstance(error := context.get("exception"), Exception):
            self.lost.append(self.learner.crash(error))
        loop.default_exception_handler(context)

    def run(self) -> None:
        with suppress(OSError, ValueError):  # the learner's code has closed it
            for line in self.questions:
                question = loads(line)
                with suppress(Exception):  # no answer is one too
                    self.answer(question)
        self.goodbye()

    def answer(self, question: Message) -> None:
        number = question["number"]
        match question["ask"]:
            case "where":
                self.report("where", number=number, **self.where())
            case "mark":
                with suppress(OSError):  # the learner's code has closed it
                    os.write(2, question["text"].encode())
                self.report("mark", number=number)
            case "sends":
                lines = self.witness.sends if self.witness else {}
                lines = lines.get(question["port"], [])
                self.report("sends", number=number, lines=lines)
            case "tasks":
                failed = [*self.lost, *failed_tasks(self.learner)]
                self.report("tasks", number=number, failed=failed)
            case "set" if self.module is not None:
                found = set_constants(self.module, question["values"])
                self.report("set", number=number, **found)
            case "call":
                self.calls.put(question)
            case other:
                raise ValueError(f"unknown question {other!r}")

    def where(self) -> dict[str, object]:
        """Where the learner's code is: running, or waiting in an await."""
        turns = self.loop_turns()
        frames = current_frames()  # now: a frame that has ended leads nowhere
        busy = self.learner.line_of(frames.get(self.main))
        own = (self.main, threading.get_ident())
        others = [self.learner.line_of(f) for t, f in frames.items() if t not in own]
        waiting: list[list[object]] = []
        ports = self.witness.tasks if self.witness else {}
        tasks = asyncio.all_tasks(self.loop) if self.loop is not None else ()
        for task in tasks:
            line = waiting_line(self.learner, task)
            if line is not None:
                waiting.append([ports.get(task, 0), *line])
        return {
            "stage": self.stage,
            "busy": busy,
            "running": None if turns else busy,
            "waiting": waiting,
            "tasks": len(tasks),
            "own": [] if self.loop is None else tasks_of_the_app(self.loop),
            "threads": [line for line in others if line is not None],
            "deaf": self.deaf or is_deaf(),
        }

    def loop_turns(self) -> bool:
        """Whether the event loop does what it is asked to, at once."""
        if self.loop is None:
            return False
        turned = threading.Event()
        with suppress(RuntimeError):  # it has been closed
            self.loop.call_soon_threadsafe(turned.set)
        # One by one: a machine that stands still takes away one of them.
        return any(turned.wait(LOOP_TURNS / 5) for _ in range(5))


def serve(job: Message, learner: Learner, report: Reports, ask: Control) -> None:
    """Serve the file's app with uvicorn on a free port of 127.0.0.1."""
    import uvicorn
    from uvicorn.config import LOGGING_CONFIG

    run = uvicorn.Server.run
    module = import_file(learner, report)
    ask.deaf = is_deaf()
    app = getattr(module, job["app"], None)
    if not callable(app):
        names = [n for n, v in vars(module).items() if type(v).__name__ == "FastAPI"]
        report("failed", error="no app", names=names, text=type(app).__name__)
        raise SystemExit(3)
    found = set_constants(module, job["constants"])
    if found["missing"]:
        report("failed", error="no constant", text="", **found)
        raise SystemExit(3)
    ask.module = module
    ask.witness = witness = Witness(app, learner, report)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            ask.loop = asyncio.get_running_loop()
            ask.loop.set_exception_handler(ask.lose)
            ask.stage = "startup"
            await super().startup(sockets)
            ask.stage = "serve"
            port, tasks = listener.getsockname()[1], len(asyncio.all_tasks())
            own, routes = tasks_of_the_app(), routes_of(app)
            report("ready", port=port, routes=routes, tasks=tasks, own=own)

    # With the protocol named: asyncio turns off Nagle's delay only for TCP it knows.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    handlers = {
        name: {**handler, "stream": Log(report)}
        for name, handler in LOGGING_CONFIG["handlers"].items()
    }
    # asyncio tells of tasks that nobody awaits: no print of the learner's, either.
    loggers = {**LOGGING_CONFIG["loggers"], "asyncio": {"handlers": ["default"]}}
    log = {**LOGGING_CONFIG, "handlers": handlers, "loggers": loggers}
    options: dict[str, Any] = {"log_config": log, "use_colors": False}
    options.update(job["options"])
    run(Server(uvicorn.Config(witness, **options)), [listener])


def import_file(learner: Learner, report: Reports) -> ModuleType:
    """Import it, or report why not and exit."""
    try:
        return learner.import_file()
    except BaseException as error:
        report("failed", **learner.crash(error))
        raise SystemExit(3) from None


def answer_calls(learner: Learner, report: Reports, ask: Control) -> None:
    """Call the file's functions, as the parent asks for it."""
    module = import_file(learner, report)
    ask.deaf = is_deaf()
    ask.stage = "call"
    report("ready", port=0, routes=[])
    while True:
        try:
            # Not for ever: a SIGTERM that comes just before the wait would not end it.
            call = ask.calls.get(timeout=0.1)
        except queue.Empty:
            continue
        answer = partial(report, "answer", number=call["number"])
        function = getattr(module, call["name"], None)
        if not callable(function):
            names = [n for n, v in vars(module).items() if inspect.isfunction(v)]
            answer(missing=call["name"], names=names)
            continue
        try:
            value = function(*ast.literal_eval(call["arguments"]))
            said = repr(value)[:REPR_KEPT]
        except BaseException as error:
            answer(crash=learner.crash(error))
        else:
            answer(value=said, type=type(value).__name__)


def confine(memory: int) -> None:
    """Let the system hold what it can: one gulp of memory, a daemon, endless work."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        for limit, value in (
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, CPU_LIMIT),
            # More than what the parent ends us at: it sees the line, and this
            # only stops what is too quick for it.
            (resource.RLIMIT_DATA, memory * 3 // 2),
        ):
            resource.setrlimit(limit, (value, resource.getrlimit(limit)[1]))
    if sys.platform == "linux":
        import ctypes

        # PR_SET_CHILD_SUBREAPER: a daemon becomes our child, not that of init.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM, when uvicorn has done its part: end as a program would, threads too."""
    raise SystemExit(STOPPED)


def is_deaf() -> bool:
    """Whether the learner's code has taken SIGTERM from uvicorn and from us."""
    handler = signal.getsignal(signal.SIGTERM)
    ours = handler in (stop, signal.SIG_DFL)
    return not ours and getattr(handler, "__name__", "") != "handle_exit"


def await_job(questions: TextIO) -> Message | None:
    """Read the job; until it comes, import what an app will need. None: no job came."""
    if all(name in sys.modules for name in WARM):
        line = questions.readline()
        return loads(line) if line else None
    lines: list[str] = []
    reader = threading.Thread(
        target=lambda: lines.append(questions.readline()), daemon=True
    )
    reader.start()
    reader.join(SOON)
    # A file of functions, asked for at once, can do without.
    if not lines or '"call"' not in lines[0]:
        for name in WARM:
            importlib.import_module(name)
    reader.join()
    return loads(lines[0]) if lines[0] else None


def adopt(env: dict[str, str]) -> None:
    """Have this environment; with our own mark also for who looks from outside."""
    import ctypes

    # A fork's /proc/PID/environ is its parent's, as the memory is that it was started
    # with. The mark's place there has the right length, and is ours to write to.
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    mark = env[MARK].encode()
    ctypes.memmove(libc.getenv(MARK.encode()), mark, len(mark))
    for name in os.environ.keys() - env.keys():
        del os.environ[name]
    os.environ.update(env)


def main(*, forked: bool = False) -> None:
    """Take over the standard streams, import the heavy, wait for the job, do it.

    Args:
        forked: whether a line with the environment comes before the job.
    """
    report = Reports(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)

    if forked:
        env = questions.readline()
        if not env:
            return
        adopt(loads(env))
    job = await_job(questions)
    if job is None:
        return  # never needed
    report.key = job["key"]

    def show(*warning: Any, **_: Any) -> None:
        report("log", text=warnings.formatwarning(*warning[:4]))

    warnings.showwarning = show
    signal.signal(signal.SIGTERM, stop)
    confine(job["memory"])
    os.environ.update(job.get("env", {}))
    learner = Learner(job.get("serve") or job["call"])
    control = Control(questions, learner, report, Goodbye())
    control.start()
    sys.setswitchinterval(SWITCH)
    report("begun")
    if "serve" in job:
        serve(job, learner, report, control)
    else:
        answer_calls(learner, report, control)
