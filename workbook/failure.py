"""What a check says when an answer is wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from unicodedata import combining, east_asian_width

from workbook.wire import Event

Hints = Mapping[str | bytes | int, str]
"""Hints by what came instead: a text, a binary message, a close code or status."""

CLOSE_CODES = {
    1000: "normal closure",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status received",
    1006: "abnormal closure",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension",
    1011: "internal error",
    1012: "service restart",
    1013: "try again later",
    1014: "bad gateway",
    1015: "TLS handshake",
}
"""RFC 6455 section 7.4.1 and IANA's registry of WebSocket close codes."""


@dataclass(frozen=True)
class Line:
    """One line of a source file, numbered from 1."""

    file: str
    number: int
    code: str

    def __str__(self) -> str:
        name = self.file.replace("\\", "/").rpartition("/")[2]
        return f"{name}:{self.number}  {self.code.strip()}"


@dataclass(eq=False)
class Failure(AssertionError):
    """A check's no: who sent what, what came, what should have come.

    The texts are what the learner reads. `event` is the place on the wire where
    it went wrong, `where` the line of the learner's file that did it, `trace`
    the learner's own frames of a traceback with the error's own line last. `who`
    is a client, or empty where no client spoke; `action` is what it did.
    """

    who: str
    got: str
    expected: str
    sent: str | None = None
    hint: str | None = None
    event: Event | None = None
    where: Line | None = None
    trace: Sequence[str] = ()
    printed: Sequence[str] = ()  # the last lines that the learner's code printed
    misconception: str | None = None  # "M47"
    action: str = "sent"
    port: int | None = None  # the port on the side of the client
    received: int = 0  # messages that had come as expected
    silent: bool = False  # nothing came, although time was given
    also: str | None = None
    picture: str | None = None

    def __post_init__(self) -> None:
        super().__init__(self.who, self.got, self.expected)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The message as rows of a label and a text, at most six."""
        said = {self.action: self.sent, "got": self.got, "expected": self.expected}
        rows = [(f"{self.who} {k}".strip(), v) for k, v in said.items() if v]
        if self.also:
            rows.append(("also", self.also))
        if self.where is not None:
            rows.append(("look at", str(self.where)))
        if self.hint:
            rows.append(("hint", self.hint))
        return rows

    def blame(self, crash: Mapping[str, Any]) -> None:
        """Say that this exception came, as the child process reports it."""
        self.got = f"{crash['error']}: {crash['text']}".removesuffix(": ")
        self.locate(crash)

    def locate(self, crash: Mapping[str, Any]) -> None:
        """Take the learner's frames from an exception, the innermost last."""
        frames = [Line(file, number, code) for file, number, _, code in crash["frames"]]
        if frames:
            self.where = frames[-1]
        error = f"{crash['error']}: {crash['text']}".removesuffix(": ")
        self.trace = [*(str(frame) for frame in frames), error]
        if others := crash.get("others"):
            self.also = name_others(others)

    def __str__(self) -> str:
        width = max(len(label) for label, _ in self.lines)
        return "\n".join(f"{label:{width}}  {text}" for label, text in self.lines)


def name_others(errors: Sequence[str]) -> str:
    """How many errors were raised beside the one that is told, and which."""
    counts = Counter(errors)
    named = [f"{error} ({n} times)" if n > 1 else error for error, n in counts.items()]
    count = f"{len(errors)} more in the group" if len(errors) > 1 else "in the group"
    return f"{count}: {'; '.join(named)}"


def quote(data: str | bytes, limit: int = 40) -> str:
    """Name a message so that its kind and its size are seen.

    A text is quoted as JSON would, a binary message shown in hex; more than
    `limit` characters or bytes are cut and counted.
    """
    if isinstance(data, str):
        if not data:
            return 'text "" (empty)'
        shown = "".join(map(_shown, data[:limit]))
        mark = "'" if '"' in shown and "'" not in shown else '"'
        shown = shown.replace('"', '\\"') if mark == '"' else shown
        more = f"… ({len(data):,} characters)" if len(data) > limit else ""
        return f"text {mark}{shown}{mark}{more}"
    if not data:
        return "binary, 0 bytes"
    count = f"{len(data):,} byte{'s' if len(data) != 1 else ''}"
    shown = data[:12].hex(" ")
    return f"binary, {count}: {shown}{' …' if len(data) > 12 else ''}"


def _shown(letter: str) -> str:
    """A letter as it is, if it takes one column of a terminal; else its escape."""
    one_column = east_asian_width(letter) not in "FW" and not combining(letter)
    if letter.isprintable() and one_column and letter != "\\":
        return letter
    return letter.encode("unicode_escape").decode()


def name_close(code: int | None, reason: str = "") -> str:
    """A close code with its name, and its reason where it has one."""
    if code is None:
        return "close without a code (1005)"
    name = CLOSE_CODES.get(code)
    if name is None and 3000 <= code <= 3999:
        name = "registered"
    if name is None and 4000 <= code <= 4999:
        name = "the app's own"
    text = f"close {code} {name}" if name else f"close {code}"
    return f'{text}, "{reason}"' if reason else text


def name_status(status: int) -> str:
    """An HTTP status with its phrase: "HTTP 403 Forbidden"."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def name(event: Event) -> str:
    """What an event was, in the words of the messages and diagrams."""
    data = event.data
    match event.kind:
        case "text" | "binary":
            return quote(data if data is not None else "")
        case "request":
            return f"GET {data if isinstance(data, str) else '/'}"
        case "response":
            return name_status(event.code or 0)
        case "close":
            return name_close(event.code, data if isinstance(data, str) else "")
        case "end":
            return "the connection ended without a close frame (1006)"
        case "ping" | "pong":
            return event.kind
        case "redis":
            return data if isinstance(data, str) else ""
        case "stall":
            return str(data or "reads nothing from here on")
        case "missing":
            return "nothing"
        case "found":
            return event.mark or "what was found here"
