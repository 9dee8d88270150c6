"""One file that answers an exercise, ready to be asked."""

import ast
import http.client
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workbook.client import REPLY, Client
from workbook.failure import Failure, Line, name_status
from workbook.failure import name as name_event
from workbook.process import STOPPED, Process, Report
from workbook.server import START, NotServing, Server
from workbook.wire import Wire

ORPHANS = "Your program started another process. Who ends that one?"


@dataclass(frozen=True)
class Reply:
    """What an app answered to a plain HTTP request; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    port: int  # on the side that asked, by which a crash is found


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
        self._clients: list[Client] = []
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
        self._part()
        self.process.end()

    def begin(self) -> None:
        """Begin a new record of the wire, for the next check."""
        self._part()
        self.wire = Wire()

    def _part(self) -> None:
        """Hang up on behalf of the clients that are still there."""
        while self._clients:
            self._clients.pop().hang_up()

    def connect(self, name: str, path: str = "/ws", **options: Any) -> Client:
        """A new client of the file's app; `options` are those of `Client`.

        Raises:
            Failure: the file does not serve, or the handshake was refused.
        """
        server = self._serve()
        options = {"wire": self.wire, "reply": self.reply, **options}
        client = server.connect(name, path, **options)
        # Who hung up when a check fails would change what its handler does next,
        # and that is still to be looked at.
        client.stays = True
        self._clients.append(client)
        return client

    @property
    def address(self) -> str:
        """Where the file's app serves, which is its origin: "http://127.0.0.1:54321".

        Raises:
            Failure: the file does not serve.
        """
        return self._serve().http

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask by plain HTTP; redirects are not followed, the wire records nothing.

        Raises:
            Failure: the file does not serve, or does not answer in `reply` seconds.
        """
        return self._ask("GET", path, headers)

    def post(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """As `get`, by POST and without a body."""
        return self._ask("POST", path, headers)

    def _ask(self, method: str, path: str, headers: Mapping[str, str] | None) -> Reply:
        port = self._serve().port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.reply)
        mine = 0
        try:
            connection.connect()
            mine = int(connection.sock.getsockname()[1])
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "backslashreplace")
        except (OSError, http.client.HTTPException) as error:
            silent = isinstance(error, TimeoutError)
            raise Failure(
                who="",
                action="asked",
                sent=f"{method} {path}",
                got=f"nothing for {self.reply:g} s" if silent else "no answer",
                expected="an answer by HTTP",
                port=mine,
                silent=silent,
            ) from None
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, text, mine)

    def expect_refusal(
        self,
        name: str,
        path: str = "/ws",
        *,
        status: int = 403,
        hint: str | None = None,
        hints: Mapping[int, str] | None = None,
        misconception: str | None = None,
        **options: Any,
    ) -> None:
        """The handshake must be answered with this HTTP status, not be accepted.

        A client that is let in sends a text, so that what comes of it can be told.

        Args:
            name: the client's name.
            path: the path with its query.
            status: the status to expect, such as 403.
            hint: what to say when the client is let in, or another status comes.
            hints: what to say instead when it is a certain other status.
            misconception: the one that `hint` speaks of, such as "M05".
            options: those of `Client`.

        Raises:
            Failure: the file does not serve, or does not refuse as it should.
        """
        try:
            client = self.connect(name, path, **options)
        except Failure as failure:
            if failure.event is None:
                raise
            refused = failure.event.code == status
            failure.expected = name_status(status)
            mark = None if refused else f"expected {failure.expected}"
            self.wire.mark(failure.event, mark)
            if refused:
                return
            keyed = (hints or {}).get(failure.event.code or 0)
            failure.hint = keyed or hint
            failure.misconception = None if keyed else misconception
            raise
        failure = self._let_in(client, name_status(status))
        failure.hint, failure.misconception = hint, misconception
        raise failure

    def _let_in(self, client: Client, expected: str) -> Failure:
        """What to say of a client that should have been refused; it leaves."""
        mine = [event for event in self.wire if event.client == client.name]
        response = [event for event in mine if event.kind == "response"][-1]
        self.wire.mark(response, f"expected {expected}")
        sent, got = client.sent, name_status(101)
        try:
            client.send("let me in")
        except Failure as after:  # closed already, and maybe told something before
            self._unsay(after)
        try:
            client.receive()
        except Failure as after:
            self._unsay(after)
            if after.event is not None:
                got = f"{got}, then {name_event(after.event)}"
        client.close()
        return Failure(
            who=client.name,
            sent=sent,
            got=got,
            expected=expected,
            event=response,
            port=client.port,
        )

    def set(self, **constants: object) -> None:
        """Give module constants of the file other values, such as a shorter interval.

        The app serves while they change: code that asks for them again sees the new.

        Args:
            constants: by their names; the values as JSON has them.

        Raises:
            Failure: the file does not serve, or has no such constant.
        """
        self._serve()
        report = self.process.ask("set", values=constants)
        if report is not None and report["missing"]:  # None: what comes next will tell
            raise self._without_constant(report)

    def _without_constant(self, report: Report) -> Failure:
        names = ", ".join(report["missing"])
        return Failure(
            who="",
            action="looked for",
            sent=f"{names} in {self.file.name}",
            got=f"no such constant; there are: {', '.join(report['names']) or 'none'}",
            expected=f"{names}, to be set to what suits the check",
            hint="A check makes time pass quicker by it. Bring its name back.",
        )

    def expect_end_of(
        self,
        client: Client,
        hint: str | None = None,
        *,
        within: float | None = None,
        misconception: str | None = None,
    ) -> Report:
        """The handler of this client must have ended, or end now, without an error.

        Args:
            client: one that has left, or was left.
            hint: what to say when it goes on.
            within: seconds that it may take; `reply`, if nothing is said.
            misconception: the one that `hint` speaks of, such as "M03".

        Returns:
            What is known of how it returned.

        Raises:
            Failure: it ended by an exception, or goes on for so long.
        """
        within = self.reply if within is None else within
        end = self.process.await_report(
            lambda r: r["is"] in ("returned", "crash") and r["port"] == client.port,
            within,
        )
        failure = Failure(
            who="",
            action=f"{client.name} sent",
            sent=self._last_of(client),
            got=f"a handler that still ran after {within:g} s",
            expected="a handler that ends, without an error",
            hint=hint,
            misconception=misconception if end is None else None,
            port=client.port,
            silent=end is None,
        )
        if end is None:
            raise failure
        if end["is"] == "crash":
            failure.blame(end)
            raise failure
        return end

    def _last_of(self, client: Client) -> str:
        """What the client did last."""
        did = [e for e in self.wire if e.client == client.name and e.direction == "out"]
        return "no more: it is gone" if did[-1].kind == "end" else name_event(did[-1])

    def expect_nothing_left(self, client: Client, hint: str | None = None) -> None:
        """When the handler of this client returned, its tasks must have ended too.

        Only where no other client is connected: tasks are counted.

        Args:
            client: one that has left; its handler has ended or ends now.
            hint: what to say when a task goes on.

        Raises:
            Failure: as `expect_end_of`, or a task has outlived the handler.
        """
        end = self.expect_end_of(client, hint)
        if end["others"] <= self._serve().idle_tasks:
            return
        still = set(self._serve().waiting())
        raise Failure(
            who="",
            action=f"{client.name} sent",
            sent=self._last_of(client),
            got="a handler that returned before a task of its own had ended",
            expected="a handler that outlives every task it has started",
            hint=hint,
            where=still.pop() if len(still) == 1 else None,
            misconception="M24",
            port=client.port,
        )

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

    def _unsay(self, failure: Failure) -> None:
        if failure.event is not None:
            self.wire.mark(failure.event, None)

    def _serve(self) -> Server:
        if self.server is None:
            self._use()
            try:
                self.server = Server(self.file, process=self.process, start=self.start)
            except NotServing as error:
                raise self._not_ready(error.report, "an app that serves") from None
        return self.server

    def stop(self) -> None:
        """Tell the program to stop, now that every client has left; it must end.

        Raises:
            Failure: it had ended before, does not listen, or goes on for `reply`
                seconds.
        """
        if not self._used:
            return
        where = self.process.ask("where")
        failure = Failure(
            who="",
            action="told",
            sent=f"{self.file.name} to stop, when every client had left",
            got="",
            expected="a program that ends",
        )
        if where is None:
            raise failure
        if where["deaf"]:
            failure.got = "a program that does not listen to SIGTERM"
            failure.hint = "SIGTERM tells a server to stop. Leave it to uvicorn."
            raise failure
        self.process.interrupt()
        status = self.process.join(self.reply)
        if status is None:
            failure.silent = True
            failure.got = f"nothing for {self.reply:g} s: it still ran"
            failure.hint = "Some work goes on without a client. Who ends it?"
            if others := self.process.started():
                failure.got = f"{failure.got}, and so did: {', '.join(others)}"
                failure.hint = ORPHANS
            raise failure
        if status not in (STOPPED, -signal.SIGTERM) and sys.platform != "win32":
            raise failure

    def _use(self) -> None:
        if not self._used and self.process.status is not None:
            self.process = Process()  # the one prepared for us has died
        self._used = True

    def _import(self) -> None:
        if self._importing:
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
