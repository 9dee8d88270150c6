"""Who hears what in a room where somebody does not read.

Short words for the notebook of chapter 4. A send to somebody waits only while nobody
reads there and the systems keep no more: so the clients here are narrow, and LONG is
more than is kept for them.
"""

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import WebSocket

from workbook.client import Client
from workbook.failure import Failure
from workbook.lesson import serve
from workbook.wire import Wire

LONG = "x" * 1_000_000

WORDS = ("one", "two", "three")

PATIENCE = 1.0  # seconds without a text after which there is no more to come
LONGER = 3.0  # the same, where several rooms are busy with LONG at once

Tell = Callable[[list[WebSocket], str], Awaitable[object]]


class Serving(Protocol):
    def connect(self, name: str, path: str = "/ws", **options: Any) -> Client: ...


def enter(server: Serving, *names: str) -> list[Client]:
    """Clients of these names, let in in this order."""
    path = "/ws?username="
    return [server.connect(name, path + name, narrow=True) for name in names]


def say(client: Client, *texts: str) -> None:
    for text in texts:
        client.send(text)


def listen(
    client: Client, until: str | None = None, patience: float = PATIENCE
) -> list[str]:
    """What a client hears, without LONG, and last how that ended if not as expected.

    Args:
        client: hears it.
        until: the text that ends it; without one, it goes on to the connection's end.
        patience: seconds without a text that end it.
    """
    client.reply, heard = patience, list[str]()
    try:
        while until is None or until not in heard:
            text = str(client.receive())
            heard += [text] if text != LONG else []
    except Failure as failure:
        if failure.event is not None:
            client.wire.mark(failure.event, None)  # nobody said what should have come
        heard.append(failure.got)
    return heard


def listen_all(people: Sequence[Client]) -> dict[str, list[str]]:
    """What each of them hears, by their names."""
    with ThreadPoolExecutor(len(people)) as pool:
        heard = pool.map(listen, people)
        return {each.name: texts for each, texts in zip(people, heard, strict=True)}


@dataclass(frozen=True)
class Heard:
    """What cy hears of WORDS beside bo, who reads nothing."""

    how: str
    came: list[str]
    late: float  # seconds from the first that ana said to the last that cy heard
    speaker: str  # how ana's connection was closed, if it was
    wire: Wire

    def __str__(self) -> str:
        last = f", the last after {self.late:.1f} s" if self.came else ""
        ended = f"; ana is closed: {self.speaker}" if self.speaker else ""
        return f"{self.how:18} cy heard {len(self.came)} of {len(WORDS)}{last}{ended}"


def beside_a_sleeper(tell: Tell, **options: Any) -> Heard:
    """Let ana say WORDS to bo, who reads nothing, and to cy, who does.

    Args:
        tell: tells a text to all in a room, a list, in which they are in this order.
        options: of `uvicorn.Config`.
    """
    room: list[WebSocket] = []

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        room.append(websocket)
        try:
            async for text in websocket.iter_text():
                await tell(room, text)
        finally:
            room.remove(websocket)

    chat.__name__ = tell.__name__  # or one server would end another's
    with serve(chat, **options) as server:
        ana, bo, cy = enter(server, "ana", "bo", "cy")
        bo.stall()
        say(ana, LONG, *WORDS)
        # With pings the speaker is thrown out soon: then nobody says anything more.
        patience = PATIENCE if options else LONGER
        came = [text for text in listen(cy, WORDS[-1], patience) if text in WORDS]
        bo.abort()  # or whoever waits for it would keep the server from stopping
    mine = [event for event in server.wire if event.client == "ana"]
    (said,) = [e.time for e in mine if e.direction == "out" and e.data == WORDS[0]]
    times = [e.time for e in server.wire if e.client == "cy" and e.data in WORDS]
    closed = [
        f"{e.code} {e.data}" for e in mine if e.kind == "close" and e.code != 1012
    ]
    how = " and ".join([tell.__name__, *(["pings"] if options else [])])
    late = max(times, default=said) - said
    return Heard(how, came, late, "".join(closed), server.wire)


def beside_sleepers(*ways: tuple[Tell, dict[str, Any]]) -> list[Heard]:
    """Several ways to tell, each with options of `uvicorn.Config`, all at once."""
    with ThreadPoolExecutor(len(ways)) as pool:
        jobs = [pool.submit(beside_a_sleeper, tell, **how) for tell, how in ways]
        return [job.result() for job in jobs]


def who_heard_whom(people: Sequence[Client]) -> dict[str, list[str]]:
    """Let each say their name; whose names each of them has heard."""
    for person in people:
        person.send(person.name)
    names = [person.name for person in people]
    return {
        listener: [name for name in names if f'"message": "{name}"' in " ".join(texts)]
        for listener, texts in listen_all(people).items()
    }


def table(heard: dict[str, list[str]]) -> str:
    """A row for each who listens, a column for each who speaks."""
    lines = [f"{'':8}" + "".join(f"{name:>8}" for name in heard)]
    for listener, names in heard.items():
        marks = [
            "." if n == listener else "heard" if n in names else "-" for n in heard
        ]
        lines.append(f"{listener:8}" + "".join(f"{mark:>8}" for mark in marks))
    return "\n".join(lines)
