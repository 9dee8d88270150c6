"""What a notebook imports: the workbook by short names."""

import asyncio
import atexit
import inspect
import logging
import re
import textwrap
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from IPython import display as ipython

from workbook import anatomy, diagram, terminal
from workbook.broker import Broker
from workbook.checks import Verdict
from workbook.course import ROOT, NotFound, find_exercise
from workbook.desk import judge
from workbook.failure import Failure, quote
from workbook.link import Link
from workbook.progress import Progress
from workbook.threaded import ThreadedServer
from workbook.wire import Event, Wire

__all__ = [
    "Wire",
    "attempt",
    "check",
    "draw",
    "draw_frame",
    "knock",
    "link",
    "lost",
    "run",
    "serve",
    "show",
]

# At its first use ever matplotlib may say that it looks for fonts. Not in a lesson.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

_display: Callable[[object], object] = ipython.display  # pyright: ignore

_serving: dict[str, ThreadedServer] = {}


def serve(app: Any, **options: Any) -> ThreadedServer:
    """Serve an app with uvicorn on a free port, in a thread of this kernel.

    Running the same cell again stops the server that it started before.

    Args:
        app: an app, or a handler of WebSockets, which is then served alone at /ws.
            Of two functions the app is the one whose first argument is `scope`.
        options: of `uvicorn.Config`, such as `ws_max_size=1000`.

    Raises:
        RuntimeError: the app did not start.
    """
    title = getattr(app, "title", getattr(app, "__name__", type(app).__name__))
    if _is_handler(app):
        handler, app = app, FastAPI(title=title)
        app.add_api_websocket_route("/ws", handler)
    name = f"{title} {options}"
    if name in _serving:
        _serving.pop(name).stop()
    _serving[name] = server = ThreadedServer(app, **options)
    return server


def _is_handler(app: Any) -> bool:
    if not inspect.iscoroutinefunction(app):
        return False
    return next(iter(inspect.signature(app).parameters), None) != "scope"


_brokers: list[Broker] = []
_links: dict[str, Link] = {}


def link(name: str = "redis") -> Link:
    """A link to the Redis of this kernel, which is private and ends with it.

    Running the same cell again closes the link that it made before.

    Args:
        name: of another link to the same Redis.

    Raises:
        NoBroker: none could be started.
    """
    if not _brokers:
        _brokers.append(Broker(private=True))
        atexit.register(_brokers[0].end)
    if name in _links:
        _links.pop(name).close()
    _links[name] = made = Link(_brokers[0])
    return made


def lost(wire: Wire, client: str, said: Sequence[str]) -> Wire:
    """The same wire, with a mark wherever a text should have come to a client.

    Args:
        wire: what went over it.
        client: who should have heard.
        said: all that it should have heard, in order; other texts do not matter.
    """
    left, events = list(said), list[Event]()
    for event in wire:
        if event.client == client and event.direction == "in":
            before = len(left) if event.kind in ("close", "end") else 0
            if heard := event.data in left:
                before = left.index(str(event.data))
            events += [_missing(event, text) for text in left[:before]]
            del left[: before + heard]
        events.append(event)
    return Wire([replace(event, number=n) for n, event in enumerate(events)])


def _missing(beside: Event, text: str) -> Event:
    """That this text did not come, at the time of what came instead."""
    mark = f"lost: {quote(text)}"
    return Event(beside.time, beside.client, "in", "missing", mark=mark)


def knock(
    server: ThreadedServer, path: str = "/ws", *, who: str = "ana", **options: Any
) -> str:
    """What comes first: a refusal, a message or a close, in the words of the wire.

    Args:
        server: at whose door.
        path: with its query.
        who: knocks; and leaves again, if let in.
        options: of `Client`, such as `headers`, `origin` or `wire`.
    """
    wire: Wire = options.setdefault("wire", server.wire)
    try:
        with server.connect(who, path, **options) as client:
            return quote(client.receive())
    except Failure as failure:
        if failure.event is not None:
            wire.mark(failure.event, None)  # nobody said what should have come
        return failure.got


@dataclass(frozen=True)
class Outcome:
    """How an attempt went: what the client saw, what the server logged."""

    saw: list[str]
    log: str
    wire: Wire


def attempt(
    handler: Callable[..., Any],
    *messages: str | bytes,
    leave: Literal["close", "abort"] | None = None,
) -> Outcome:
    """Serve one handler, let ana send it messages, print what came of it.

    Args:
        handler: a handler of WebSockets.
        messages: what ana sends.
        leave: how she goes then; without it the handler must end by itself.
    """
    saw: list[str] = []
    with serve(handler) as server:
        try:
            ana = server.connect("ana")
            for message in messages:
                ana.send(message)
            if leave is not None:
                getattr(ana, leave)()
                saw.append("nothing more: she had left")
            while leave is None:
                saw.append(quote(ana.receive("a close frame")))
        except Failure as failure:
            saw.append(failure.got)
    print(getattr(handler, "__name__", handler))
    for what, told in [("ana saw", ", then ".join(saw)), *_warnings(server.log)]:
        print(textwrap.fill(f"  {what}  {told}", 84, subsequent_indent=" " * 11))
    return Outcome(saw, server.log, server.wire)


def _warnings(log: str) -> list[tuple[str, str]]:
    """What a log says of trouble: its warnings and errors, without tracebacks."""
    routine = ("INFO:", "ERROR:    Exception in ASGI", "Traceback", " ")
    lines = [line for line in log.splitlines() if not line.startswith(routine)]
    return [("the log", line) for line in lines or ["no warning, no error"]]


@dataclass(frozen=True)
class Ran:
    """What a coroutine printed, what it raised, and which tasks it left running."""

    printed: list[str]
    error: Exception | None
    left: list[str]


def run(work: Coroutine[Any, Any, object]) -> Ran:
    """Run a coroutine as `asyncio.run` does, and tell what came of it, line by line.

    The kernel of a notebook runs an event loop already; this one gets a thread.

    Args:
        work: a coroutine; what tasks it leaves running is told, then cancelled.
    """
    output = StringIO()
    with ThreadPoolExecutor(1) as pool, redirect_stdout(output):
        error, left = pool.submit(asyncio.run, _lead(work)).result()
    ran = Ran(output.getvalue().splitlines(), error, left)
    print(work.__name__)
    for number, line in enumerate(ran.printed, 1):
        print(f"  {number}  {line}")
    if error is not None:
        print(f"  raised   {type(error).__name__}: {error}")
    for name in left:
        print(f"  goes on  {name}")
    return ran


Ending = tuple[Exception | None, list[str]]


async def _lead(work: Coroutine[Any, Any, object]) -> Ending:
    error = None
    try:
        await work
    except Exception as raised:
        error = raised
    left = asyncio.all_tasks() - {asyncio.current_task()}
    return error, sorted(getattr(task.get_coro(), "__name__", "") for task in left)


@dataclass(frozen=True)
class Shown:
    """Something to look at, in the forms that a notebook may choose from."""

    forms: dict[str, str]

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return self.forms


def show(what: Callable[..., Any] | Path, name: str | None = None) -> Shown:
    """The source of a function, as it stands in the file that runs.

    Args:
        what: a Python function or class; or a page, and then
        name: the name of a function in its script.

    Raises:
        LookupError: the page has no function of this name.
    """
    if isinstance(what, Path):
        file, language, source = what.resolve(), "js", _script(what, name or "")
    else:
        code: Any = inspect.unwrap(what)
        file, language = Path(inspect.getfile(code)).resolve(), "python"
        source = textwrap.dedent(inspect.getsource(code))
    where = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else "here"
    block = f"`{where}`\n\n```{language}\n{source.strip()}\n```"
    return Shown({"text/markdown": block, "text/plain": source})


def _script(page: Path, name: str) -> str:
    text = page.read_text(encoding="utf-8")
    pattern = rf"^( *)(async )?function {re.escape(name)}\(.*?^\1\}}"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"{page.name} has no function {name}")
    return textwrap.dedent(found[0])


def draw(wire: Wire, title: str = "What went over the wire") -> Shown:
    """A wire as a sequence diagram. `title` is for who cannot see it."""
    rows = "\n".join(row.text for row in diagram.text(wire))
    return Shown({"image/svg+xml": diagram.svg(wire, title), "text/plain": rows})


def draw_frame(data: bytes, title: str = "One frame, bit by bit") -> Shown:
    """The first frame of these bytes, drawn bit by bit.

    Raises:
        ValueError: they end before the frame does.
    """
    forms = {"image/svg+xml": anatomy.svg(data, title)}
    return Shown({**forms, "text/plain": anatomy.text(data)})


class NoExercise(NotFound):
    """No such exercise. In a notebook its sentence is all that is shown."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback, line by line."""
        return textwrap.wrap(str(self), 84)


def check(id: str | float) -> None:
    """Check your answer to an exercise, as `python3 learn.py check` does.

    Args:
        id: the exercise's number, "1.2"; without its quotes it is taken, too.

    Raises:
        NoExercise: there is none of this number.
    """
    try:
        exercise = find_exercise(str(id))
    except NotFound as missing:
        raise NoExercise(str(missing)) from None
    verdict = judge(exercise, Progress.of())
    failure = verdict.failure
    if failure is None:
        print(_told(verdict))
        return
    message = _told(verdict, replace(failure, trace=(), printed=()))
    with_printed = _told(verdict, replace(failure, trace=()))
    print(message)
    if verdict.wire.events:
        title = f"What went over the wire in exercise {exercise.id}"
        _display(draw(verdict.wire, title))
    if len(failure.trace) > 2:  # of one line, the message has told everything
        _display(_folded("Traceback, your lines only", failure.trace))
    if failure.printed:
        print(with_printed.removeprefix(message).lstrip("\n"))


def _told(verdict: Verdict, failure: Failure | None = None) -> str:
    """A verdict as the terminal tells it, with this failure and without the wire."""
    lines = terminal.explain(replace(verdict, failure=failure, wire=Wire()))
    return "\n".join(line.plain.rstrip() for line in lines)


def _folded(title: str, lines: Sequence[str]) -> Shown:
    text = "\n".join(lines)
    fold = f"<details><summary>{title}</summary>\n\n```text\n{text}\n```\n\n</details>"
    return Shown({"text/markdown": fold, "text/plain": text})
