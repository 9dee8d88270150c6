"""Misunderstandings that leave a sign, and the one-line hint that names each.

Each sign looks at what happened in one run: what the handler raised, how it
returned, which routes there are, what was printed; where that leaves a doubt, the
source settles it. The numbers are those of the workbook's list of misconceptions; a
slip that is not on the list has none. The first sign that is seen wins, so the most
telling come first.
"""

import ast
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from workbook.failure import Failure
from workbook.process import Report


@dataclass(frozen=True)
class Evidence:
    """What is known of the run in which a check failed."""

    failure: Failure
    reports: Sequence[Report] = ()
    output: str = ""
    routes: Sequence[Sequence[str]] = ()
    path: str = "/ws"
    source: str = ""  # of the file under test
    lost: Report | None = None  # what ended a task, and nobody was told of

    def crashed(self, error: str, text: str = "") -> bool:
        """Whether the connection's handler raised this error, its text holding that.

        So did a task that nobody awaits, unless that was for a connection's end.
        """
        crash = self.crash
        if crash is None and self.lost is not None and not is_of_connections(self.lost):
            crash = self.lost
        if crash is None:
            return False
        return crash["error"] == error and text in crash["text"]

    @property
    def crash(self) -> Report | None:
        """The exception that left the handler of the failing client, if one did."""
        return self._last("crash")

    @property
    def returned(self) -> Report | None:
        """How the handler of the failing client returned, if it did."""
        return self._last("returned")

    def _last(self, kind: str) -> Report | None:
        port = self.failure.port
        found = [r for r in self.reports if r["is"] == kind and r["port"] == port]
        return found[-1] if found else None

    def ended_without_close(self) -> bool:
        """The handler returned, the client was still there, nobody closed."""
        end, event = self.returned, self.failure.event
        if end is None or (event is not None and event.kind in ("text", "binary")):
            return False  # or after a message came that should not have
        seen = end["seen"]
        return "accept" in seen and "close" not in seen and "gone" not in seen

    def refused(self, status: int) -> bool:
        """The handshake was answered with this HTTP status."""
        event = self.failure.event
        return event is not None and event.kind == "response" and event.code == status

    def let_in(self) -> bool:
        """A client was accepted that should have been refused."""
        event = self.failure.event
        accepted = event is not None and event.kind == "response" and event.code == 101
        return accepted and self.failure.expected.startswith("HTTP 4")

    def goes_on(self) -> bool:
        """The client has left, and its handler still runs."""
        return self.failure.got.startswith("a handler that still ran")

    def tasks_go_on(self) -> bool:
        """The handler has returned, and a task that it started still runs."""
        return "before a task of its own" in self.failure.got

    def two_readers(self) -> bool:
        """Two tasks have waited for the failing client's next message."""
        port = self.failure.port
        return any(r["is"] == "two readers" and r["port"] == port for r in self.reports)

    @property
    def no_text(self) -> Report | None:
        """A send_text() of what is no text, if nothing came of it."""
        found = [r for r in self.reports if r["is"] == "no text"]
        return found[-1] if found and self.failure.silent else None

    def in_a_group(self) -> bool:
        """The handler raised an ExceptionGroup, for a connection had ended."""
        crash, errors = self.crash, ("WebSocketDisconnect", "WebSocketDisconnected")
        return (
            crash is not None
            and crash["error"] in errors
            and bool(crash["seen"].get("group"))
        )

    def sent(self, kind: str) -> bool:
        """The last that the failing client sent was a "text" or "binary" message."""
        return (self.failure.sent or "").startswith(kind)

    def accepted(self) -> bool:
        """The handler of the failing client has accepted the handshake."""
        end = self.crash or self.returned
        return end is not None and "accept" in end["seen"]

    def raised_at(self) -> str:
        """The learner's line that raised, or nothing."""
        crash = self.crash
        return str(crash["frames"][-1][3]) if crash and crash["frames"] else ""

    @property
    def code(self) -> str:
        """The source without its comments."""
        lines = self.source.splitlines()
        return "\n".join(text.partition("#")[0] for text in lines)

    def find(self, pattern: str) -> tuple[int, str] | None:
        """Number and text of the source's first line with this pattern in its code."""
        return next(iter(self.find_all(pattern)), None)

    def find_all(self, pattern: str) -> list[tuple[int, str]]:
        """Number and text of each of the source's lines with it in their code."""
        numbered = enumerate(self.source.splitlines(), 1)
        return [(n, t) for n, t in numbered if re.search(pattern, t.partition("#")[0])]

    def routed(self, kind: str) -> bool:
        """A route of this kind, "websocket" or "http", takes the path."""
        return any(k == kind and _takes(p, self.path) for k, p in self.routes)

    @property
    def sockets(self) -> list[str]:
        """The paths of the app's WebSocket routes."""
        return [path for kind, path in self.routes if kind == "websocket"]

    def mounted_before(self) -> bool:
        """A mount at the root stands before the WebSocket route of this path."""
        for kind, path in self.routes:
            if kind == "websocket" and path == self.path:
                return False
            if kind == "mount" and path in ("", "/"):
                return self.path in self.sockets
        return False


def is_of_connections(crash: Report) -> bool:
    """Whether an exception says that a connection has ended, as it may at any time."""
    return (
        re.search("Disconnect|Connection|Timeout|Cancelled", crash["error"]) is not None
    )


def _takes(route: str, path: str) -> bool:
    """Whether a route's path, its parameters in braces, takes this path."""
    parts = re.split(r"\{[^}]*\}", route)
    return re.fullmatch(".+".join(map(re.escape, parts)), path) is not None


Hint = str | Callable[[Evidence], str]


@dataclass(frozen=True)
class Misconception:
    """One entry of the list, with the sign by which a check knows it.

    `id` is the entry's number, or empty; `look` is a pattern, or gives one: where a
    line of the source has it, that is the line to look at.
    """

    id: str
    hint: Hint
    seen: Callable[[Evidence], bool] = field(repr=False)
    look: Hint = ""

    def say(self, evidence: Evidence) -> str:
        """The hint, in the words that fit this run."""
        return self.hint if isinstance(self.hint, str) else self.hint(evidence)

    def place(self, evidence: Evidence) -> tuple[int, str] | None:
        """Number and text of the line to look at, if the source shows it."""
        look = self.look if isinstance(self.look, str) else self.look(evidence)
        return evidence.find(look) if look else None


COMMANDS = "(?:publish|unsubscribe|punsubscribe|ping)"
"""Methods of redis-py that are no coroutine functions, and return a coroutine."""


def _never_awaited(evidence: Evidence) -> str:
    """The method that was called without await, as far as the run shows it."""
    shown = re.search(r"<coroutine object ([\w.]+)", evidence.failure.got)
    warned = re.findall(r"coroutine '([\w.]+)' was never awaited", evidence.output)
    names = [shown[1]] if shown else warned[-1:]
    name = names[0].rpartition(".")[2] if names else ""
    if name == "execute_command":  # redis-py: what publish() and others return
        line = evidence.find(rf"(?<!await )\b\w+(?:\[\w+\])?\.{COMMANDS}\(")
        called = re.search(COMMANDS, line[1]) if line else None
        return called[0] if called else name
    return name


def _awaitless(evidence: Evidence) -> str:
    name = _never_awaited(evidence)
    return f"{name}() was called without await, so it never ran."


def _without_await(evidence: Evidence) -> str:
    name = _never_awaited(evidence)
    return rf"(?<!await )(?<!def )(?<![.\w(])(?:\w+\.)?{name}\("


def _unaccepted(evidence: Evidence) -> bool:
    """The handler went on, or ended, without accept()."""
    if evidence.accepted() or _never_awaited(evidence) not in ("", "accept"):
        return False
    end = evidence.returned
    return (
        _never_awaited(evidence) == "accept"
        or evidence.crashed("WebSocketDisconnected", 'Need to call "accept" first')
        or evidence.crashed("RuntimeError", 'Expected ASGI message "websocket.accept"')
        or (end is not None and not {"close", "start"} & set(end["seen"]))
    )


PLAIN_DEF = r"\.websocket\([^\n]*\)\n\s*def (\w+)"
UNTYPED = r"\.websocket\([^\n]*\)\n\s*(?:async )?def (\w+)\((?![^)]*(?:WebSocket|: ))"


def _in_source(pattern: str) -> Callable[[Evidence], bool]:
    return lambda evidence: re.search(pattern, evidence.source) is not None


def _def_of(pattern: str) -> Callable[[Evidence], str]:
    """The pattern of the line that begins the function which `pattern` names."""

    def look(evidence: Evidence) -> str:
        found = re.search(pattern, evidence.source)
        return rf"def {found[1]}\(" if found else ""

    return look


def _wrong_type(evidence: Evidence) -> str:
    """What send_text() was given in place of a str."""
    crash = evidence.crash or evidence.lost
    text = crash["text"] if crash else ""
    given = text.partition("'")[2].partition("'")[0]
    if evidence.no_text is not None:
        given = evidence.no_text["given"]
    if "JSON serializable" in text:
        return "JSON has no such type. Make a str, number, list or dict of it."
    if given == "dict":
        return "send_text takes a str; for a dict use send_json."
    if given in ("bytes", "bytearray"):
        return "send_text takes a str. These are bytes: a text is what you decode()."
    if "method" in given or "function" in given:
        return "This is a function, not its result: its parentheses are missing."
    return f"send_text takes a str. This is of type {given}."


def _line_of_no_text(evidence: Evidence) -> str:
    """The pattern of the line that sent what is no text."""
    told = evidence.no_text
    return re.escape(told["line"][2]) if told is not None and told["line"] else ""


def _spelt_by_python(evidence: Evidence) -> bool:
    event = evidence.failure.event
    data = event.data if event is not None else None
    return isinstance(data, str) and data[:2] in ("{'", "['")


def _malformed(evidence: Evidence) -> bool:
    """A message that could not be read raised, and nobody caught it."""
    crash = evidence.crash
    return (
        crash is not None
        and "accept" in crash["seen"]
        and "gone" not in crash["seen"]
        and crash["error"] in MALFORMED
        and "receive" not in crash["text"]
        and re.search(r"json|loads\(", evidence.source) is not None
    )


MALFORMED = {
    "AttributeError",
    "IndexError",
    "JSONDecodeError",
    "KeyError",
    "TypeError",
    "ValidationError",
    "ValueError",
}
"""What a message of another shape raises where JSON is read and taken apart."""


def _ended_early(evidence: Evidence) -> str:
    if evidence.failure.expected.startswith("close"):
        return "Your handler ended without a goodbye: 1006. close() comes first."
    return "Your handler ended here, and the conversation with it: 1006."


def _only_way_out(evidence: Evidence) -> str:
    """The pattern of what ends a loop or a function early, if there is but one."""
    return WAY_OUT if len(evidence.find_all(WAY_OUT)) == 1 else ""


WAY_OUT = r"(?:^\s*|:\s*)(?:break|return(?: None)?)\s*$"
CLOSE = r"\.close\("


def _is_out_already(evidence: Evidence) -> bool:
    """A WebSocket was to be taken out of a collection, and was not in it."""
    takes_out = re.search(r"\bdel\b|\.(?:remove|pop)\(", evidence.raised_at())
    absent = evidence.crashed("ValueError", "not in list")
    absent = absent or evidence.crashed("KeyError", "WebSocket")
    return absent and takes_out is not None


def _not_connected(evidence: Evidence) -> bool:
    """A receive raised, for the app had closed, or a send of its had failed."""
    error = "WebSocketDisconnected", 'Need to call "accept" first'
    return evidence.crashed(*error) and evidence.accepted()


def _one_kind(evidence: Evidence) -> str:
    arrived, known = "binary", "text"
    if evidence.crashed("KeyError", "bytes"):
        arrived, known = known, arrived
    source = evidence.source
    if "receive_text(" in source and "receive_bytes(" in source:
        return f"A {arrived} frame came where {known} was awaited. Who knows the next?"
    return f"A {arrived} frame arrived and your loop only knows {known}."


def _other_path(evidence: Evidence) -> str:
    there = ", ".join(evidence.sockets) or "none"
    return f"403: no WebSocket route takes {evidence.path}. There are: {there}."


def _wants_the_other_door(evidence: Evidence) -> bool:
    """A dependency takes a Request where a WebSocket knocks, or the other way round."""
    missing = "missing 1 required positional argument: "
    optional = re.search(r"\b(Request|WebSocket)( \| None|\])? = None", evidence.source)
    return (
        evidence.crashed("TypeError", f"{missing}'request'")
        or evidence.crashed("TypeError", f"{missing}'websocket'")
        or evidence.crashed("TypeError", "Request.close()")
        or (
            bool(optional)
            and evidence.crashed("AttributeError", "'NoneType' object has no attribute")
        )
    )


def _other_door(evidence: Evidence) -> str:
    crash = evidence.crash
    if crash is not None and "Request.close()" in crash["text"]:
        return "A plain request has nothing to close: it needs HTTPException."
    return "Each door has a type of its own. HTTPConnection serves both."


def _leaves_it_to_middleware(evidence: Evidence) -> bool:
    """A middleware for HTTP is in use, and nothing else refuses a socket."""
    code = evidence.code
    if re.search(r"WebSocketException\(|\.close\(", code):
        return False
    if re.search(r"\.middleware\(\s*.http.\s*\)", code):
        return True
    added = re.search(r"\b(?:add_middleware|Middleware)\(", code)
    of_http = re.search(r"\b(?:BaseHTTP|CORS)Middleware\b", code)
    return added is not None and of_http is not None


def _returned_unanswered(evidence: Evidence) -> bool:
    """The handler has an accept(), and returned before it without an answer."""
    end = evidence.returned
    return (
        end is not None
        and evidence.refused(500)
        and not {"accept", "close", "start"} & set(end["seen"])
        and not _never_awaited(evidence)
        and evidence.find(r"\.accept\(") is not None
    )


BARE_RETURN = r"(?:^\s*|:\s*)return(?: None)?\s*$"


def _only_return(evidence: Evidence) -> str:
    """The pattern of a bare return, if there is but one, and it precedes accept()."""
    before = evidence.code.partition(".accept(")[0]
    returns = re.findall(BARE_RETURN, evidence.code, re.M)
    one = len(returns) == 1 and re.search(BARE_RETURN, before, re.M) is not None
    return BARE_RETURN if one else ""


def _key_is_missing(evidence: Evidence) -> bool:
    """What the client may leave out was looked up before accept(), and was missing."""
    unanswered = evidence.refused(500) and not evidence.accepted()
    return unanswered and evidence.crashed("KeyError")


def _missing_key(evidence: Evidence) -> str:
    crash = evidence.crash
    key = re.escape(str(crash["text"]).strip("'\"")) if crash else ""
    line = evidence.raised_at()
    found = re.search(rf"\b(cookie|header)s\[['\"]{key}['\"]\]", line, re.I)
    if found is None:
        return "There may be no such key. get() asks without a KeyError."
    kind = found[1].lower()
    return f"There may be no such {kind}. get() asks without a KeyError."


def _sends_to_each(evidence: Evidence, code: str) -> bool:
    """Whether this code sends to what a loop names, or hands to a function."""
    sent_to = re.findall(r"(\w+)(?:\.\w+)*\.send\w*\(", code)
    loops = re.findall(r"\bfor\b(.*?)\bin\b", evidence.code)
    each = {name for targets in loops for name in re.findall(r"\w+", targets)}
    for function, first in re.findall(r"\bdef (\w+)\(\s*(\w+)", evidence.code):
        handed = re.findall(rf"(?<!def )\b{function}\(\s*(\w+)", evidence.code)
        each |= {first} if each & set(handed) else set()
    return bool(each & set(sent_to))


def _cancels_the_others(evidence: Evidence) -> bool:
    """One group holds the sends to many, and what one of them raises ends them all."""
    left = [r for r in evidence.reports if r["is"] in ("returned", "crash")]
    unguarded = evidence.find(SEND_IN_A_GROUP) is not None or evidence.in_a_group()
    return (
        unguarded
        and any("gone" in report["seen"] for report in left)
        and _in_source(r"\bTaskGroup\(|\bcreate_task_group\(")(evidence)
        and _sends_to_each(evidence, evidence.code)
    )


SEND_IN_A_GROUP = r"\.(?:create_task|start_soon)\(.*\.send"


def _another_had_gone(evidence: Evidence) -> bool:
    """A send to one of many raised, whosever handler it was that sent."""
    crash = evidence.crash
    gone = ("WebSocketDisconnect", "WebSocketDisconnected")
    line = evidence.raised_at()
    # The coroutines that are gathered may have been made elsewhere.
    sends = _sends_to_each(evidence, evidence.code if "gather(" in line else line)
    return crash is not None and crash["error"] in gone and sends


def _taken_for_its_own(evidence: Evidence) -> bool:
    """A handler that sends to many has returned, and its own client is there."""
    caught = evidence.find(CATCHES)
    sends = _sends_to_each(evidence, evidence.code)
    return evidence.ended_without_close() and caught is not None and sends


CATCHES = r"^\s*except(?:\s*:|.*\b(?:WebSocketDisconnect|(?:Base)?Exception)\b)"
"""What begins a branch for the end of a connection, maybe for all else, too."""

OF_A_SEND = "WebSocketDisconnect|RuntimeError|Exception|BaseException"


def _closes_the_dead(evidence: Evidence) -> str:
    """The pattern of a close() where a send to one of many has failed, unguarded."""
    with suppress(SyntaxError, ValueError, RecursionError):
        for node in ast.walk(ast.parse(evidence.source)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            code = "\n".join(map(ast.unparse, node.body))
            name = re.search(r"\bawait (\w+)\.close\(", code)
            guarded = re.search(rf"\btry:|suppress\([^)]*\b(?:{OF_A_SEND})", code)
            of_many = name and evidence.find(rf"\bfor\b.*\b{name[1]}\b.*\bin\b")
            if name and of_many and not guarded:
                return rf"\bawait {name[1]}\.close\("
    return ""


def _in_a_group(evidence: Evidence) -> str:
    """What is inside the ExceptionGroup, and what catches it there."""
    error = evidence.crash["error"] if evidence.crash is not None else ""
    is_runtime_error = error == "WebSocketDisconnected"
    enough = f"{error}|RuntimeError" if is_runtime_error else error
    if evidence.find(rf"^\s*except\*.*\b(?:{enough}|Exception)\b"):
        return f"The {error} is in an ExceptionGroup from outside the try of except*."
    told = f"{error}, a RuntimeError," if is_runtime_error else "disconnect"
    catch = "WebSocketDisconnect"
    # The next send to one of many may find it marked, and raise the other.
    if is_runtime_error or _sends_to_each(evidence, evidence.code):
        catch = f"({catch}, RuntimeError)"
    return f"The {told} is inside an ExceptionGroup: except* {catch}."


def _task_of_a_group(evidence: Evidence) -> str:
    """The pattern of what starts a send as a task, where no line is known to raise."""
    return "" if evidence.raised_at() else SEND_IN_A_GROUP


def _takes_all_for_messages(evidence: Evidence) -> bool:
    """All that a subscription yields is taken for a message, its confirmation too."""
    if not evidence.failure.silent or evidence.crash is not None:
        return False
    code = evidence.code
    if re.search(
        r"""["']type["']|ignore_subscribe|isinstance\(|subscribe\(\*\*|subscribe\(\w+=""",
        code,
    ):
        return False
    ways = re.findall(r"\.(?:listen|get_message)\(", code)
    return len(ways) == 1 and ".subscribe(" in code


def _other_error_caught(evidence: Evidence) -> bool:
    """redis-py's ConnectionError or TimeoutError raised; Python's own was caught."""
    crash = evidence.crash
    return (
        _away(evidence)
        and crash is not None
        and evidence.find(rf"^\s*except\*?\b.*\b{crash['error']}\b") is not None
        and not _in_source(rf"redis[\w.]* import.*\b{crash['error']}\b")(evidence)
    )


def _away(evidence: Evidence) -> bool:
    """What a client of Redis raised has left the handler."""
    gone = evidence.crashed("ConnectionError") or evidence.crashed("TimeoutError")
    return gone and _in_source(r"\bredis\b")(evidence)


SLEEP = r"\btime\.sleep\("
SLEEP_BY_NAME = r"^(?!\s*(async )?def ).*(?<![.\w])sleep\("


def _sleep(evidence: Evidence) -> str:
    """The pattern of a call of time.sleep(), or nothing where there is none."""
    by_name = evidence.find(r"^from time import .*\bsleep\b")
    pattern = SLEEP_BY_NAME if by_name else SLEEP
    return pattern if evidence.find(pattern) else ""


BLOCKING_REDIS = r"^import redis$|^import redis as|^from redis import .*\b[Rr]edis\b"
HTML = r"\.(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML\(|document\.write\("


def _asks_for_the_page(evidence: Evidence) -> bool:
    """The failure is about what the app serves by plain HTTP, or a browser shows."""
    failure = evidence.failure
    return failure.event is None and evidence.crash is None and "<" in failure.got


def _blocks_on_redis(evidence: Evidence) -> bool:
    """A synchronous client of Redis is at work in coroutines."""
    code = evidence.code
    found = evidence.find(BLOCKING_REDIS)
    return found is not None and "async def" in code and "redis.asyncio" not in code


def _races_again_and_again(evidence: Evidence) -> bool:
    """A loop starts tasks, awaits the first, and cancels the others."""
    with suppress(SyntaxError, ValueError, RecursionError):
        for node in ast.walk(ast.parse(evidence.source)):
            if isinstance(node, ast.While | ast.For | ast.AsyncFor):
                loop = ast.unparse(node)
                if "FIRST_COMPLETED" in loop and ".cancel(" in loop:
                    return True
    return False


def _first_line(evidence: Evidence) -> str:
    """The pattern of the handler's own line in the traceback."""
    crash = evidence.crash
    return re.escape(crash["frames"][0][3]) if crash and crash["frames"] else ""


MISCONCEPTIONS: Sequence[Misconception] = (
    Misconception("M11", _other_door, _wants_the_other_door),
    Misconception(
        "M27",
        "After accept there is no HTTP left: close with a code.",
        lambda e: e.crashed("RuntimeError", "got 'websocket.http.response.start'"),
        r"\braise HTTPException\b",
    ),
    Misconception(
        "M44",
        "No such close code. Your own close codes live in 4000–4999.",
        lambda e: e.crashed("ProtocolError", "invalid status code"),
    ),
    Misconception(
        "M45",
        "A close reason holds 123 bytes. Send more as a message first.",
        lambda e: e.crashed("ProtocolError", "control frame too long"),
    ),
    Misconception(
        "M34",
        "A stranger was let in, then shown the door. Check first.",
        lambda e: e.let_in() and ", then close" in e.failure.got,
        r"\.accept\(",
    ),
    Misconception(
        "M37",
        "That middleware never sees sockets; use a dependency or pure ASGI.",
        lambda e: e.let_in() and _leaves_it_to_middleware(e),
        r"\.middleware\(|\badd_middleware\(|\bMiddleware\(",
    ),
    Misconception(
        "M52",
        "FastAPI runs background tasks after a response; a socket has none.",
        lambda e: "BackgroundTasks" in e.source and e.failure.expected[:5] == "close",
    ),
    Misconception(
        "M25",
        "The mount at / takes all paths, sockets too. Move it below them.",
        lambda e: e.refused(403) and e.mounted_before(),
        r"\.mount\(",
    ),
    Misconception(
        "M35",
        "This path is for plain HTTP. A WebSocket needs @app.websocket.",
        lambda e: e.refused(403) and not e.routed("websocket") and e.routed("http"),
        lambda e: rf"^\s*@\w+\.\w+\(.{re.escape(e.path)}.",
    ),
    Misconception(
        "M07",
        _other_path,
        lambda e: e.refused(403) and not e.routed("websocket"),
        r"^\s*@\w+\.websocket\(",
    ),
    Misconception(
        "",
        "FastAPI knows a WebSocket by its type. This parameter has none.",
        lambda e: e.refused(403) and not e.accepted() and _in_source(UNTYPED)(e),
        _def_of(UNTYPED),
    ),
    Misconception(
        "M08",
        "No WebSocket library in this environment. Run: python3 learn.py doctor",
        lambda e: "No supported WebSocket library detected" in e.output,
    ),
    Misconception(
        "M42",
        "The handler is a plain def. A WebSocket handler is an async def.",
        lambda e: e.refused(500) and _in_source(PLAIN_DEF)(e),
        _def_of(PLAIN_DEF),
    ),
    Misconception(
        "M19",
        "An event loop runs here already: await it, or make a task of it.",
        lambda e: e.crashed("RuntimeError", "called from a running event loop"),
    ),
    Misconception(
        "M41",
        "Returning is no answer: close() or raise, before accept().",
        _returned_unanswered,
        _only_return,
    ),
    Misconception("", _missing_key, _key_is_missing),
    Misconception(
        "M42",
        "Nobody accepted the call. Is there an await before accept()?",
        _unaccepted,
        r"(?<!await )\b\w+\.accept\(",
    ),
    Misconception("M42", _awaitless, lambda e: bool(_never_awaited(e)), _without_await),
    Misconception(
        "M42",
        "What was awaited is a function: its parentheses are missing.",
        lambda e: e.crashed("TypeError", "method can't be used in 'await' expression"),
    ),
    Misconception(
        "M42",
        "iter_text() has to be waited for: async for, and not for.",
        lambda e: e.crashed("TypeError", "'async_generator' object is not iterable"),
    ),
    Misconception(
        "",
        "Empty is false in Python, and yet a frame. Which question drops it?",
        lambda e: (
            e.crashed("KeyError", "bytes")
            and e.sent("text")
            and "(empty)" in (e.failure.sent or "")
        ),
    ),
    Misconception(
        "M47",
        _one_kind,
        lambda e: (
            (e.crashed("KeyError", "text") and e.sent("binary"))
            or (e.crashed("KeyError", "bytes") and e.sent("text"))
        ),
    ),
    Misconception(
        "M47",
        "The frame that did not fit is gone. This waits for another.",
        lambda e: (
            e.failure.silent
            and _in_source(r"receive_text\(")(e)
            and _in_source(r"receive_bytes\(")(e)
        ),
        r"receive_bytes\(",
    ),
    Misconception(
        "M46",
        _wrong_type,
        lambda e: (
            e.crashed("AttributeError", "has no attribute 'encode'")
            or e.crashed("TypeError", "is not JSON serializable")
            or e.no_text is not None
        ),
        _line_of_no_text,
    ),
    Misconception(
        "M46",
        "send() takes an ASGI message. For a text there is send_text().",
        lambda e: e.crashed("TypeError") and ".send(" in e.raised_at(),
    ),
    Misconception(
        "M46",
        "Python spells a dict so, JSON does not. There is send_json.",
        _spelt_by_python,
    ),
    Misconception(
        "M26",
        "Your answer holds half a character, which no text can carry.",
        lambda e: e.crashed("UnicodeEncodeError", "surrogates not allowed"),
    ),
    Misconception(
        "M26",
        "One malformed message ended everything. Answer it and carry on.",
        _malformed,
    ),
    Misconception(
        "M51",
        "All who come from one machine have the same host: here, everybody has.",
        lambda e: (
            e.crash is None
            and e.failure.silent
            and _in_source(r"=\s*\w+\.client\.host\b|\[\w+\.client\.host\]")(e)
        ),
        r"\.client\.host\b",
    ),
    Misconception(
        "",
        "receive() gives a dict. For its text alone there is receive_text().",
        lambda e: (
            e.crashed("AttributeError", "'dict' object has no attribute")
            and _in_source(r"\.receive\(\)")(e)
        ),
    ),
    Misconception(
        "",
        "accept() answers the handshake. A connection has one of each.",
        lambda e: e.crashed("RuntimeError", "but got 'websocket.accept'"),
    ),
    Misconception(
        "",
        "Python knows no such name here: misspelt, or not imported?",
        lambda e: e.crashed("NameError"),
    ),
    Misconception(
        "",
        "No value was set on the way here: after an except, the code goes on below.",
        lambda e: e.crashed("UnboundLocalError"),
    ),
    Misconception("", "It is not in there: was it taken out before?", _is_out_already),
    Misconception(
        "M36",
        "A group cancels the other sends when one fails. Catch it inside its task.",
        _cancels_the_others,
        _task_of_a_group,
    ),
    Misconception(
        "M36",
        _in_a_group,
        lambda e: e.in_a_group(),
        _task_of_a_group,
    ),
    Misconception(
        "M24",
        "Somebody cancelled this handler, and nobody caught its CancelledError.",
        lambda e: (
            e.crashed("CancelledError")
            and re.search(r"\.(receive|iter|send)_", _first_line(e)) is not None
        ),
    ),
    Misconception(
        "M24",
        "Awaiting a task that you cancelled raises CancelledError. Who catches it?",
        lambda e: e.crashed("CancelledError"),
        _first_line,
    ),
    Misconception(
        "M29",
        "Too many connections to Redis. Clients can share those of their process.",
        lambda e: (
            e.crashed("MaxConnectionsError")
            or e.crashed("ConnectionError", "max number of clients reached")
        ),
    ),
    Misconception(
        "",
        "Two tasks read what Redis tells on one connection. Let one do it for all.",
        lambda e: e.crashed("RuntimeError", "() called while another coroutine is"),
    ),
    Misconception(
        "",
        "redis-py has an error of this name of its own, in redis.exceptions.",
        _other_error_caught,
        r"^\s*except\b.*(Connection|Timeout)Error",
    ),
    Misconception(
        "",
        "Redis was away, and publish() raised. Catch a RedisError, tell the sender.",
        lambda e: _away(e) and "publish(" in e.raised_at(),
    ),
    Misconception(
        "M39",
        "The first that comes is of type 'subscribe', its data 1. Look at the type.",
        _takes_all_for_messages,
        r"\.(listen|get_message)\(",
    ),
    Misconception(
        "M36",
        "gather() raised, and what it had gathered goes on. It cancels nobody.",
        lambda e: e.tasks_go_on() and e.find(r"\bgather\(") is not None,
        r"\bgather\(",
    ),
    Misconception(
        "M24",
        "cancel() asks a task to end. Who awaits it knows that it has ended.",
        lambda e: e.tasks_go_on() and e.failure.where is None,
        r"\.cancel\(",
    ),
    Misconception(
        "M24",
        "A task failed. Who awaits it, and learns of it?",
        lambda e: e.failure.got.endswith("was never retrieved"),
        r"\b(?:create_task|ensure_future|asyncio\.wait)\(",
    ),
    Misconception(
        "M28",
        "Two tasks receive, and each text goes to one of them. One reader only.",
        lambda e: e.two_readers(),
    ),
    Misconception(
        "M50",
        "That state only changes when somebody receives. Who does?",
        lambda e: e.goes_on() and _in_source("(client|application)_state")(e),
        "(client|application)_state",
    ),
    Misconception(
        "M06",
        "Who only sends is not told that the client has left. Keep receiving.",
        lambda e: e.goes_on() and not _in_source(r"\.(receive|iter)\w*\(")(e),
    ),
    Misconception(
        "M01",
        "One of them had gone, and the send to it raised. Catch it at the send.",
        _another_had_gone,
    ),
    Misconception(
        "M49",
        "Of one who has gone, close() raises as the send did. It ends who spoke.",
        lambda e: _taken_for_its_own(e) and bool(_closes_the_dead(e)),
        lambda e: _closes_the_dead(e),
    ),
    Misconception(
        "M01",
        "A send to one who had gone raised, and ended the handler of who spoke.",
        _taken_for_its_own,
        CATCHES,
    ),
    Misconception(
        "M10",
        "Somebody came or left in the middle of this loop. Loop over a copy.",
        lambda e: e.crashed("RuntimeError", "during iteration"),
    ),
    Misconception(
        "M32",
        "The inbox that is full is another's, and yours is the handler that raised.",
        lambda e: e.crashed("QueueFull") or e.crashed("WouldBlock"),
    ),
    Misconception(
        "M49",
        "The client hung up first: there is nothing left to close.",
        lambda e: e.crashed("WebSocketDisconnect") and ".close(" in e.raised_at(),
    ),
    Misconception(
        "M48",
        "The client had hung up, and you asked for more: leave the loop.",
        lambda e: e.crashed("WebSocketDisconnected", 'Cannot call "receive"'),
    ),
    Misconception(
        "M48",
        "You asked for more after close(). After close() comes return.",
        lambda e: _not_connected(e) and e.find(CLOSE) is not None,
        CLOSE,
    ),
    Misconception(
        "M48",
        "A send to this client had failed: it has gone, so nothing more can come.",
        lambda e: _not_connected(e),
    ),
    Misconception(
        "M48",
        "You sent after the close. After close() comes return.",
        lambda e: e.crashed("WebSocketDisconnected", 'Cannot call "send"'),
    ),
    Misconception(
        "M41",
        "This says that the client left. To end it yourself: close().",
        lambda e: (
            e.crashed("WebSocketDisconnect") and "raise WebSocketDisc" in e.raised_at()
        ),
    ),
    Misconception(
        "M48",
        "WebSocketDisconnect: the client has left. Nobody caught it.",
        lambda e: (
            e.crash is not None
            and e.crash["error"] == "WebSocketDisconnect"
            and "gone" in e.crash["seen"]
        ),
    ),
    Misconception(
        "M41", _ended_early, lambda e: e.ended_without_close(), _only_way_out
    ),
    Misconception(
        "M20",
        "A cancelled task begins anew. Start each once, and let it live on.",
        lambda e: e.crash is None and _races_again_and_again(e),
        "FIRST_COMPLETED",
    ),
    Misconception(
        "M23",
        "The whole server stands still while this sleeps. Which sleep is awaited?",
        lambda e: e.crash is None and bool(_sleep(e)),
        _sleep,
    ),
    Misconception(
        "M23",
        "The whole server stands still while redis waits. redis.asyncio gives way.",
        lambda e: e.crash is None and e.failure.silent and _blocks_on_redis(e),
        BLOCKING_REDIS,
    ),
    Misconception(
        "M02",
        "The page takes what somebody said for HTML. textContent takes it for text.",
        lambda e: _asks_for_the_page(e) and _in_source(HTML)(e),
        HTML,
    ),
)
"""In the order in which they are looked for."""


def recognise(evidence: Evidence) -> Misconception | None:
    """The first misconception whose sign this run shows."""
    for entry in MISCONCEPTIONS:
        if entry.seen(evidence):
            return entry
    return None
