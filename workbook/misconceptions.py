"""Misunderstandings that leave a sign, and the one-line hint that names each.

Each sign looks at what happened in one run: what the handler raised, how it
returned, which routes there are, what was printed. The numbers are those of the
workbook's list of misconceptions. The first sign that is seen wins, so the most
telling come first.
"""

import re
from collections.abc import Callable, Sequence
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

    def crashed(self, error: str, text: str = "") -> bool:
        """Whether the connection's handler raised this error, its text holding that."""
        crash = self.crash
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
        end = self.returned
        if end is None:
            return False
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


Hint = str | Callable[[Evidence], str]


@dataclass(frozen=True)
class Misconception:
    """One entry of the list, with the sign by which a check knows it."""

    id: str
    hint: Hint
    seen: Callable[[Evidence], bool] = field(repr=False)

    def say(self, evidence: Evidence) -> str:
        """The hint, in the words that fit this run."""
        return self.hint if isinstance(self.hint, str) else self.hint(evidence)


def _never_awaited(evidence: Evidence) -> list[str]:
    return re.findall(r"coroutine '([\w.]+)' was never awaited", evidence.output)


def _forgot(*names: str) -> Callable[[Evidence], bool]:
    def seen(evidence: Evidence) -> bool:
        found = {name.rpartition(".")[2] for name in _never_awaited(evidence)}
        return bool(found & set(names))

    return seen


def _awaitless(evidence: Evidence) -> str:
    name = _never_awaited(evidence)[-1].rpartition(".")[2]
    return f"{name}() was called without await, so it never ran. Put await before it."


def _coroutine_shown(evidence: Evidence) -> bool:
    return "<coroutine object" in evidence.failure.got


def _other_path(evidence: Evidence) -> str:
    there = ", ".join(evidence.sockets) or "none"
    return (
        f"403 here means that no WebSocket route matched {evidence.path}; "
        f"this app's WebSocket routes: {there}."
    )


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
        return "WebSocketException closes sockets. A plain request needs HTTPException."
    return "A WebSocket is no Request, nor the reverse. HTTPConnection serves both."


MISCONCEPTIONS: Sequence[Misconception] = (
    Misconception("M11", _other_door, _wants_the_other_door),
    Misconception(
        "M27",
        "After accept there is no HTTP left. Raise WebSocketException, or close().",
        lambda e: e.crashed("RuntimeError", "got 'websocket.http.response.start'"),
    ),
    Misconception(
        "M44",
        "401 and its like are HTTP's. Your own close codes live in 4000–4999.",
        lambda e: e.crashed("ProtocolError", "invalid status code"),
    ),
    Misconception(
        "M45",
        "A close reason holds 123 bytes; send the explanation as a message first.",
        lambda e: e.crashed("ProtocolError", "control frame too long"),
    ),
    Misconception(
        "M37",
        "That middleware never sees sockets; use a dependency or pure ASGI.",
        lambda e: (
            e.let_in()
            and re.search(
                r"\.middleware\(.http.\)|BaseHTTPMiddleware|CORSMiddleware", e.source
            )
            is not None
        ),
    ),
    Misconception(
        "M34",
        "A stranger was let in, then shown the door. Check first.",
        lambda e: e.let_in() and ", then close" in e.failure.got,
    ),
    Misconception(
        "M43",
        "Refused before accept, so there is no close code yet, only HTTP 403.",
        lambda e: e.refused(403) and e.failure.expected.startswith("close "),
    ),
    Misconception(
        "M52",
        "FastAPI runs background tasks after a response; a socket has none.",
        lambda e: e.failure.silent and "BackgroundTasks" in e.source,
    ),
    Misconception(
        "M25",
        "The mount at / takes every path first, sockets included. "
        "Declare the socket above it.",
        lambda e: e.refused(403) and e.mounted_before(),
    ),
    Misconception(
        "M35",
        "The path answers plain HTTP only. A WebSocket needs "
        "@app.websocket, not @app.get.",
        lambda e: e.refused(403) and ["http", e.path] in [list(r) for r in e.routes],
    ),
    Misconception(
        "M07", _other_path, lambda e: e.refused(403) and e.path not in e.sockets
    ),
    Misconception(
        "M08",
        "No WebSocket library in this environment. Run: python3 learn.py doctor",
        lambda e: "No supported WebSocket library detected" in e.output,
    ),
    Misconception(
        "M42",
        "Nobody accepted the call. Is there an await in front of accept()?",
        lambda e: (
            _forgot("accept")(e)
            or e.crashed("WebSocketDisconnected", 'Need to call "accept" first')
            or e.crashed("RuntimeError", 'Expected ASGI message "websocket.accept"')
            or (
                e.returned is not None
                and not {"accept", "close", "start"} & set(e.returned["seen"])
            )
        ),
    ),
    Misconception(
        "M42", _awaitless, lambda e: bool(_never_awaited(e)) or _coroutine_shown(e)
    ),
    Misconception(
        "M42",
        "The handler is a plain def. A WebSocket handler is an async def.",
        lambda e: e.crashed("TypeError", "can't be used in 'await' expression"),
    ),
    Misconception(
        "M47",
        "A binary frame arrived and your loop only knows text.",
        lambda e: e.crashed("KeyError", "text"),
    ),
    Misconception(
        "M47",
        "A text frame arrived and your loop only knows binary.",
        lambda e: e.crashed("KeyError", "bytes"),
    ),
    Misconception(
        "M46",
        "send_text takes a str, and send_bytes takes bytes; for a dict use send_json.",
        lambda e: (
            e.crashed("AttributeError", "has no attribute 'encode'")
            or e.crashed("TypeError", "is not JSON serializable")
        ),
    ),
    Misconception(
        "M26",
        "One malformed message ended the conversation. Answer it and carry on.",
        lambda e: (
            e.crash is not None
            and e.crash["error"] in ("JSONDecodeError", "KeyError", "TypeError")
            and "receive" not in e.crash["text"]
            and "accept" in e.crash["seen"]
        ),
    ),
    Misconception(
        "M48",
        "You asked for another message after the client had hung up: leave the loop.",
        lambda e: e.crashed("WebSocketDisconnected", 'Cannot call "receive"'),
    ),
    Misconception(
        "M48",
        "You sent after the close. After close() comes return.",
        lambda e: e.crashed("WebSocketDisconnected", 'Cannot call "send"'),
    ),
    Misconception(
        "M41",
        "Your handler ended without a goodbye, so the client saw 1006. close() first.",
        lambda e: e.ended_without_close(),
    ),
)
"""In the order in which they are looked for."""


def recognise(evidence: Evidence) -> Misconception | None:
    """The first misconception whose sign this run shows."""
    for entry in MISCONCEPTIONS:
        if entry.seen(evidence):
            return entry
    return None
