"""What went over the wire: every handshake, frame and close of every client."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

Direction = Literal["out", "in", "none"]
Kind = Literal[
    "request",  # the client asks for a WebSocket
    "response",  # the server's answer to it, 101 or another status
    "text",
    "binary",
    "ping",
    "pong",
    "close",
    "end",  # the connection is gone without a close frame: 1006
    "missing",  # what should have come and did not
    "stall",  # from here on the client reads nothing; or what data says: it reads on
    "redis",  # between a process of the server and Redis
    "found",  # what a check found out about the server, and on no wire
]

OF_NO_CLIENT = ("redis", "found")
"""Kinds of events in which no client has a part."""

EXPECTED = "expected "
"""What the mark of an event begins with in whose place something else should be."""


@dataclass(frozen=True)
class Event:
    """One thing that happened between one client and the server.

    `time` is in seconds since the wire began. `direction` is seen from the
    client: "out" leaves it, "in" reaches it, "none" crosses no wire.

    Of the kind "redis" it happened between a process of the server and Redis, seen
    from the process: `client` is its number, `data` says what. What befell Redis
    itself has the direction "none"; `code` is 0 from where it does not answer, and 1
    from where it does again.

    Of the kind "found" it is where a check ended that has found fault with no event:
    the mark says what was found, and nothing of it went over a wire.
    """

    time: float
    client: str
    direction: Direction
    kind: Kind
    data: str | bytes | None = None
    code: int | None = None  # a close code or an HTTP status
    mark: str | None = None  # what is wrong with it
    number: int = 0  # its place on the wire, from 0


@dataclass
class Wire:
    """The record of one run. Clients write to it from their threads."""

    _events: list[Event] = field(default_factory=list[Event])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _start: float = field(default_factory=time.monotonic)
    processes: dict[str, int] = field(default_factory=dict[str, int])
    """By which process of the server each client is served, if that is known."""

    def now(self) -> float:
        """Seconds since the wire began."""
        return time.monotonic() - self._start

    def record(
        self,
        client: str,
        direction: Direction,
        kind: Kind,
        data: str | bytes | None = None,
        code: int | None = None,
        mark: str | None = None,
    ) -> Event:
        """Add one event, timed now, and return it."""
        with self._lock:
            number = len(self._events)
            event = Event(self.now(), client, direction, kind, data, code, mark, number)
            self._events.append(event)
            return event

    def mark(self, event: Event, text: str | None) -> None:
        """Say what is wrong with an event that was recorded earlier, or unsay it."""
        with self._lock:
            kept = self._events[event.number]
            if kept.time == event.time:  # else it was never on this wire
                self._events[event.number] = replace(kept, mark=text)

    @property
    def events(self) -> list[Event]:
        """What happened so far, in order."""
        with self._lock:
            return list(self._events)

    @property
    def clients(self) -> list[str]:
        """The clients' names, in the order in which they first appeared."""
        talk = [e.client for e in self.events if e.kind not in OF_NO_CLIENT]
        return list(dict.fromkeys(talk))

    def copy(self) -> "Wire":
        """The record as it is now."""
        return Wire(self.events, processes=dict(self.processes))

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def to_json(self) -> str:
        """The events as a JSON array; binary data as {"hex": "..."}."""

        def plain(value: object) -> object:
            if isinstance(value, bytes):
                return {"hex": value.hex()}
            raise TypeError(f"no JSON for {type(value).__name__}")

        return json.dumps([asdict(event) for event in self.events], default=plain)
