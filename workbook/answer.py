"""One file that answers an exercise, ready to be asked."""

import ast
import http.client
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psutil

from workbook import broker
from workbook.client import REPLY, Client
from workbook.failure import Failure, Line, name_status
from workbook.failure import name as name_event
from workbook.process import STOPPED, Process, Report
from workbook.server import START, NotServing, Server
from workbook.wire import Wire

if TYPE_CHECKING:
    from workbook.link import Link, Seen

MOST_AT_REDIS = 5_000
"""Events on a wire from which on what goes to Redis is not recorded any more."""

ORPHANS = "Your program started another process. Who ends that one?"


@dataclass(frozen=True)
class Reply:
    """What an app answered to a plain HTTP request; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    port: int  # on the side that asked, by which a crash is found


@dataclass(eq=False)
class Worker:
    """One process that serves the file; what clients and checks see of it."""

    process: Process
    server: Server | None = None
    used: bool = False  # it has been given its job
    ports: set[int] = field(default_factory=set[int])  # of its clients, on their side

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, or was ended, although it should go on."""
        ended = self.process.status is not None or self.process.ending is not None
        return self.used and ended


class Answer:
    """A file under test: its app is served, its functions are called, elsewhere.

    Use it in a `with`. A process starts when it is first needed; leaving ends it
    and all that it started. A file that mentions REDIS_URL finds a Redis there, on a
    link of its own (`redis`); several processes can serve it and share that Redis.

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
        self.file = file.absolute()  # as its frames name it
        self.start = start
        self.reply = reply
        self.wire = Wire()
        self._workers = {1: Worker(process or Process())}
        self._shown = self._workers[1]
        self._stopping = False
        self._constants: dict[str, object] = {}
        self._link: Link | None = None
        self._clients: list[Client] = []
        self._importing = False
        self._to_redis: dict[int, int] = {}  # which process has which port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self, why: str | None = None) -> None:
        """End the processes, now; and hang up, if that was all.

        Args:
            why: the reason to be told, where a check still goes on.
        """
        for worker in [*self._workers.values()]:
            worker.process.end(why)
        if why is None:
            self._part()
            if self._link is not None:
                self._link.close()

    def begin(self) -> None:
        """Begin a new record of the wire, for the next check; Redis is well again."""
        self._part()
        if self._link is not None:
            self._link.heal()
        self.wire = Wire()

    @property
    def process(self) -> Process:
        """The process that is looked at: the first, or the one to be blamed."""
        return self._shown.process

    @property
    def server(self) -> Server | None:
        """What the process that is looked at serves, if it does."""
        return self._shown.server

    @server.setter
    def server(self, server: Server) -> None:
        self._shown.server = server

    @property
    def left_behind(self) -> list[str]:
        """What the processes had started, and had not ended when they ended."""
        workers = self._workers.values()
        return sorted(name for one in workers for name in one.process.left_behind)

    @property
    def redis(self) -> "Link":
        """This answer's link to Redis: what it asks for, and what can go wrong.

        The broker behind it is started when it is first needed, and serves all
        answers of this process.

        Raises:
            Failure: there is no Redis.
        """
        if self._link is None:
            from workbook.link import Link  # which few answers need

            try:
                self._link = Link(broker.shared(), afresh=True)
            except broker.NoBroker as error:
                got, _, hint = str(error).partition("\n")
                raise Failure(
                    who="",
                    action="looked for",
                    sent="a Redis",
                    got=got,
                    expected="one that answers",
                    hint=hint,
                ) from None
            self._link.tell = self._record
        return self._link

    def _record(self, seen: "Seen") -> None:
        """Put on the wire what goes between a process and Redis, up to a limit."""
        if len(self.wire) < MOST_AT_REDIS:
            code = None if seen.answers is None else int(seen.answers)
            mark = "lost" if seen.lost else None
            process = str(self._process_at(seen.port))
            self.wire.record(process, seen.direction, "redis", seen.said, code, mark)

    def _process_at(self, port: int) -> int:
        """The number of the process that has this port; 0 where nobody knows.

        Asked in the link's thread.
        """
        used = [(n, one) for n, one in [*self._workers.items()] if one.used]
        if len(used) == 1:
            return used[0][0]
        if port and port not in self._to_redis:
            for number, worker in used:
                self._to_redis |= dict.fromkeys(ports_of(worker.process.pid), number)
        return self._to_redis.get(port, 0)

    def reports(self, worker: int = 1) -> list[Report]:
        """What this process has reported so far; nothing where there is none."""
        serving = self._workers.get(worker)
        return [] if serving is None else [*serving.process.reports]

    def take_turns(self, within: float) -> bool:
        """Wait until all who have a part in it have had a turn: processes, link, Redis.

        Args:
            within: seconds that a process may take for its turn.

        Returns:
            Whether the event loop of every process that serves takes its turns.
        """
        processes = [worker.process for worker in [*self._workers.values()]]

        def turns(process: Process) -> bool:
            where = process.ask("where", within)
            return bool(where) and (where["stage"] != "serve" or not where["running"])

        with ThreadPoolExecutor(len(processes)) as pool:
            found = [*pool.map(turns, processes)]
        if self._link is not None:
            self._link.take_turn()
        return all(found)

    def crashes(self) -> list[tuple[str, Report]]:
        """What the handlers of this check's clients have raised, each with its name.

        In the order of the processes, and in each as it happened.
        """
        names = {client.port: client.name for client in self._clients}
        return [
            (names[report["port"]], report)
            for worker in self._workers.values()
            for report in worker.process.reports
            if report["is"] == "crash" and report["port"] in names
        ]

    def look_at_fault(self, failure: Failure) -> None:
        """Look from now on at the process that a failure is about.

        That is one that has ended, or else the one whose client has failed.
        """
        if self._stopping:
            return
        workers = [*self._workers.values()]
        ended = [worker for worker in workers if worker.has_ended]
        serving = [worker for worker in workers if failure.port in worker.ports]
        self._shown = (ended or serving or [self._shown])[0]

    def _part(self) -> None:
        """Hang up on behalf of the clients that are still there."""
        while self._clients:
            self._clients.pop().hang_up()

    def connect(
        self, name: str, path: str = "/ws", *, worker: int = 1, **options: Any
    ) -> Client:
        """A new client of the file's app.

        Args:
            name: the client's name.
            path: the path with its query.
            worker: which process serves it: 1, or another number for another one.
            options: those of `Client`.

        Raises:
            Failure: the file does not serve, or the handshake was refused.
        """
        server = self._serve(worker)
        options = {"wire": self.wire, "reply": self.reply, **options}
        ports = self._workers[worker].ports
        self.wire.processes[name] = worker
        try:
            client = server.connect(name, path, **options)
        except Failure as failure:
            ports.update([failure.port] if failure.port else [])
            raise
        ports.add(client.port)
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

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, worker: int = 1
    ) -> Reply:
        """Ask by plain HTTP; redirects are not followed, the wire records nothing.

        Raises:
            Failure: the file does not serve, or does not answer in `reply` seconds.
        """
        return self._ask("GET", path, headers, worker)

    def post(
        self, path: str, headers: Mapping[str, str] | None = None, *, worker: int = 1
    ) -> Reply:
        """As `get`, by POST and without a body."""
        return self._ask("POST", path, headers, worker)

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None, worker: int
    ) -> Reply:
        port = self._serve(worker).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.reply)
        mine = 0
        try:
            connection.connect()
            mine = int(connection.sock.getsockname()[1])
            self._workers[worker].ports.add(mine)
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
        They hold for every process, also for those to come.

        Args:
            constants: by their names; the values as JSON has them.

        Raises:
            Failure: the file does not serve, or has no such constant.
        """
        self._serve()
        for worker in self._workers.values():
            report = worker.process.ask("set", values=constants)
            # None: what comes next will tell.
            if report is not None and report["missing"]:
                raise self._without_constant(report)
        self._constants |= constants

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
        end = self._serving(client).process.await_report(
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

    def _serving(self, client: Client) -> Worker:
        workers = self._workers.values()
        return next(one for one in workers if client.port in one.ports)

    def _last_of(self, client: Client) -> str:
        """What the client did last."""
        did = [e for e in self.wire if e.client == client.name and e.direction == "out"]
        return "no more: it is gone" if did[-1].kind == "end" else name_event(did[-1])

    def expect_nothing_left(self, client: Client, hint: str | None = None) -> None:
        """When the handler of this client returned, its tasks must have ended too.

        Only where no other client has tasks of its own: they would be taken for these.

        Args:
            client: one that has left; its handler has ended or ends now.
            hint: what to say when a task goes on.

        Raises:
            Failure: as `expect_end_of`, or a task has outlived the handler.
        """
        end = self.expect_end_of(client, hint)
        server = self._serving(client).server
        tasks: list[str] = end["own"]
        left = Counter(tasks) - Counter(server.lifelong if server else ())
        if server is None or not left:
            return
        still = set(server.waiting())
        raise Failure(
            who="",
            action=f"{client.name} sent",
            sent=self._last_of(client),
            got=f"a handler that ended before a task of its own: {', '.join(left)}",
            expected="a handler that outlives every task it has started",
            hint=hint,
            where=still.pop() if len(still) == 1 else None,
            misconception="M24",
            port=client.port,
        )

    def expect_no_lost_error(
        self, hint: str | None = None, *, misconception: str | None = None
    ) -> None:
        """No task may have failed whose exception nobody has asked for by now.

        Python says of such a one "Task exception was never retrieved".

        Args:
            hint: what to say when there is one.
            misconception: the one that `hint` speaks of, such as "M24".

        Raises:
            Failure: there is one, of whichever process.
        """
        for worker in self._workers.values():
            lost = (worker.process.ask("tasks") or {}).get("failed", [])
            if lost:
                failure = Failure(
                    who="",
                    action="looked for",
                    sent="tasks that failed",
                    got=f"{lost[-1]['error']}: Task exception was never retrieved",
                    expected="none that nobody awaits, or asks for its exception()",
                    hint=hint,
                    misconception=misconception,
                )
                failure.locate(lost[-1])
                raise failure

    def expect_no_task_left(self, hint: str | None = None) -> None:
        """When all clients have left, the app must have the tasks that it began with.

        Args:
            hint: what to say when there is one more.

        Raises:
            Failure: there is; where it waits is shown, if there is but one such line.
        """
        for server in filter(None, [w.server for w in self._workers.values()]):
            left = server.left()
            if left:
                waits = set(server.waiting())
                raise Failure(
                    who="",
                    action="looked for",
                    sent="tasks, when everybody had left",
                    got=f"{len(left)} that still ran: {', '.join(sorted(set(left)))}",
                    expected="none but those that the app began with",
                    hint=hint,
                    where=waits.pop() if len(waits) == 1 else None,
                    misconception="M24",
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

    def expect_subscriptions(
        self, count: int, hint: str | None = None, *, misconception: str | None = None
    ) -> None:
        """The app must have so many subscriptions at Redis, or have them soon.

        Args:
            count: of all its processes and channels together.
            hint: what to say when it has more or fewer.
            misconception: the one that `hint` speaks of, such as "M29".

        Raises:
            Failure: it has another number of them after `reply` seconds.
        """
        self._expect_at_redis(
            lambda link: sum(link.subscriptions().values()) == count,
            lambda link: told(link.subscriptions()),
            f"{count} subscription{'s' * (count != 1)}",
            hint,
            misconception,
        )

    def expect_connections(
        self, most: int, hint: str | None = None, *, misconception: str | None = None
    ) -> None:
        """The app must hold at most so many connections to Redis, or soon.

        Args:
            most: of all its processes together.
            hint: what to say when it holds more.
            misconception: the one that `hint` speaks of, such as "M29".

        Raises:
            Failure: it holds more after `reply` seconds.
        """
        self._expect_at_redis(
            lambda link: link.connections() <= most,
            lambda link: f"{link.connections()} connections",
            f"{most} or fewer",
            hint,
            misconception,
        )

    def _expect_at_redis(
        self,
        seen: "Callable[[Link], bool]",
        tell: "Callable[[Link], str]",
        expected: str,
        hint: str | None,
        misconception: str | None,
    ) -> None:
        self._serve()
        link = self.redis
        if link.until(seen, self.reply):
            return
        got = tell(link)
        if link.accepted == 0:
            got, misconception = "nothing of it: it has never connected", None
            hint = f"Redis is where {broker.URL} in the environment says."
        raise Failure(
            who="",
            action="asked",
            sent="Redis about your app",
            got=got,
            expected=expected,
            hint=hint,
            misconception=misconception,
        )

    def _serve(self, number: int = 1) -> Server:
        worker = self._workers.get(number) or Worker(Process())
        self._workers[number] = worker
        if worker.server is None:
            self._use(worker)
            needed = self._link is not None or broker.is_needed(self.file)
            try:
                worker.server = Server(
                    self.file,
                    process=worker.process,
                    start=self.start,
                    env={broker.URL: self.redis.url} if needed else {},
                    constants=self._constants,
                )
            except NotServing as error:
                self._shown = worker
                raise self._not_ready(error.report, "an app that serves") from None
        return worker.server

    def stop(self) -> None:
        """Tell the program to stop, now that every client has left; it must end.

        Raises:
            Failure: it had ended before, does not listen, or goes on for `reply`
                seconds.
        """
        if self._link is not None:
            self._link.heal()
        self._stopping = True
        for step in (self._tell_to_stop, self._await_end):
            for worker in self._workers.values():
                if worker.used:
                    self._shown = worker
                    step()

    def _still_running(self) -> Failure:
        return Failure(
            who="",
            action="told",
            sent=f"{self.file.name} to stop, when every client had left",
            got="",
            expected="a program that ends",
        )

    def _tell_to_stop(self) -> None:
        where = self.process.ask("where")
        failure = self._still_running()
        if where is None:
            raise failure
        if where["deaf"]:
            failure.got = "a program that does not listen to SIGTERM"
            failure.hint = "SIGTERM tells a server to stop. Leave it to uvicorn."
            raise failure
        self.process.interrupt()

    def _await_end(self) -> None:
        status = self.process.join(self.reply)
        failure = self._still_running()
        if status is None:
            failure.silent = True
            failure.got = f"nothing for {self.reply:g} s: it still ran"
            failure.hint = "Some work goes on without a client. Who ends it?"
            still = [] if self.server is None else self.server.waiting()
            failure.where = still[0] if len({*still}) == 1 else None
            if others := self.process.started():
                failure.got = f"{failure.got}, and so did: {', '.join(others)}"
                failure.hint = ORPHANS
            raise failure
        if status not in (STOPPED, -signal.SIGTERM) and sys.platform != "win32":
            raise failure

    def _use(self, worker: Worker) -> None:
        if not worker.used and worker.process.status is not None:
            worker.process = Process()  # the one prepared for us has died
        worker.used = True

    def _import(self) -> None:
        if self._importing:
            return
        self._use(self._shown)
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


def ports_of(pid: int) -> list[int]:
    """The ports of a process's own TCP connections; none where it has gone."""
    with suppress(psutil.Error, OSError, RuntimeError):
        found = psutil.Process(pid).net_connections("tcp4")
        return [connection.laddr.port for connection in found if connection.raddr]
    return []


def told(subscriptions: Mapping[str, int]) -> str:
    """Subscriptions in a few words: "50 subscriptions: chat (50)"."""
    total = sum(subscriptions.values())
    names = ", ".join(f"{name} ({n})" for name, n in sorted(subscriptions.items()))
    said = f"{total or 'no'} subscription{'s' * (total != 1)}"
    return shorten(f"{said}: {names}" if names else said)


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
