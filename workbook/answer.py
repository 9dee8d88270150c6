"""One file that answers an exercise, ready to be asked."""

import ast
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbook.client import REPLY, Client
from workbook.failure import Failure, Line
from workbook.process import Process, Report
from workbook.server import START, NotServing, Server
from workbook.wire import Wire


class Answer:
    """A file under test: its app is served, its functions are called, elsewhere.

    Use it in a `with`. A process starts when it is first needed; leaving ends it
    and all that it started.

    Args:
        file: the learner's file, the solution, or a known wrong or right answer.
        process: one that has been started already, to save the time of importing.
        start: seconds that the file may take until it serves.
        reply: seconds that one answer may take.
    """

    def __init__(
        self,
        file: Path,
        *,
        process: Process | None = None,
        start: float = START,
        reply: float = REPLY,
    ) -> None:
        self.file = file
        self.start = start
        self.reply = reply
        self.wire = Wire()
        self.process = process or Process()
        self.server: Server | None = None
        self._importing = False
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.end()

    def begin(self) -> None:
        """Begin a new record of the wire, for the next check."""
        self.wire = Wire()

    def connect(self, name: str, path: str = "/ws", **options: Any) -> Client:
        """A new client of the file's app; `options` are those of `Client`.

        Raises:
            Failure: the file does not serve, or the handshake was refused.
        """
        if self.server is None:
            self._use()
            try:
                self.server = Server(self.file, process=self.process, start=self.start)
            except NotServing as error:
                raise self._not_ready(error.report, "an app that serves") from None
        options = {"wire": self.wire, "reply": self.reply, **options}
        return self.server.connect(name, path, **options)

    def expect_end_of(self, client: Client, hint: str | None = None) -> None:
        """The handler of this client must have ended, or end now, without an error.

        Args:
            client: one that has left, or was left.
            hint: what to say when it goes on.

        Raises:
            Failure: it ended by an exception, or goes on for `reply` seconds.
        """
        end = self.process.await_report(
            lambda r: r["is"] in ("returned", "crash") and r["port"] == client.port,
            self.reply,
        )
        failure = Failure(
            who=client.name,
            action="left, and",
            got=f"a handler that still ran after {self.reply:g} s",
            expected="a handler that ends, without an error",
            hint=hint,
            port=client.port,
            silent=end is None,
        )
        if end is None:
            raise failure
        if end["is"] == "crash":
            failure.blame(end)
            raise failure

    def expect_call(
        self, name: str, *arguments: object, returns: object, hint: str | None = None
    ) -> None:
        """The file's function, called with these arguments, must return that.

        Args:
            name: the function's name.
            arguments: literals, such as text, bytes, numbers and tuples of them.
            returns: what it must return, of this type.
            hint: what to say when it does not.

        Raises:
            Failure: it returned something else, raised, or did not return.
        """
        self._import()
        call = f"{name}({', '.join(shorten(repr(a)) for a in arguments)})"
        answer = self.process.ask(
            "call", self.reply, name=name, arguments=repr(arguments)
        )
        failure = Failure(
            who="",
            action="called",
            sent=call,
            got=f"nothing for {self.reply:g} s",
            expected=shorten(repr(returns)),
            hint=hint,
            silent=answer is None,
        )
        if answer is None:
            raise failure
        if "missing" in answer:
            there = ", ".join(answer["names"]) or "none"
            failure.got = f"no such function in {self.file.name}; there are: {there}"
            raise failure
        if "crash" in answer:
            failure.blame(answer["crash"])
            raise failure
        if not _equal(answer["value"], returns):
            failure.got = shorten(answer["value"])
            raise failure

    def _use(self) -> None:
        if self.process.status is not None and self._used:
            self.process = Process()  # the one before has died
        self._used = True

    def _import(self) -> None:
        if self._importing and self.process.status is None:
            return
        self._use()
        self._importing = True
        self.process.begin({"call": str(self.file)})
        report = self.process.wait_for("ready", "failed", timeout=self.start)
        if report is None or report["is"] == "failed":
            raise self._not_ready(report, "a file that can be imported")

    def _not_ready(self, report: Report | None, expected: str) -> Failure:
        """The file could not be imported or served: what Python said of it."""
        failure = Failure(
            who="",
            action="started",
            sent=self.file.name,
            got=f"nothing for {self.start:g} s",
            expected=expected,
            silent=report is None,
        )
        if report is None:
            return failure
        if report["error"] != "no app":
            failure.blame(report)
            return failure
        failure.expected = "a FastAPI app named app"
        names = ", ".join(report["names"])
        failure.got = "no app" if report["text"] == "NoneType" else report["text"]
        failure.got = f"{failure.got}; FastAPI apps there: {names or 'none'}"
        failure.hint = "uvicorn looks for the name app in your file: app = FastAPI()"
        return failure


def shorten(text: str, limit: int = 60) -> str:
    """Cut a text in its middle to `limit` characters."""
    if len(text) <= limit:
        return text
    half = (limit - 3) // 2
    return f"{text[:half]} … {text[-half:]}"


def _equal(value: str, wanted: object) -> bool:
    """Whether a repr is that of an equal value of the same type."""
    try:
        got = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return False
    return type(got) is type(wanted) and got == wanted


def line(facts: list[Any] | None) -> Line | None:
    """A line as the process reports it."""
    return None if facts is None else Line(facts[0], facts[1], facts[2])
