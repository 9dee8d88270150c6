"""Clients that load an app, and what they count.

A WebSocket library would be busier with each message than the server is. So a client
here writes frames made by hand, and of what comes it only keeps the bytes and the
time; they are read when the run is over. Each message carries a stamp, which says whose
it is and which of theirs.
"""

import asyncio
import gc
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeVar, cast

START = 30.0  # seconds that an app may take until a client is let in
SILENCE = 1.0  # seconds after which a flood is over
STEP = 0.05  # seconds between two looks at it

STAMP = re.compile(rb"#(\d{3,}):(\d{6})")

T = TypeVar("T")


def text(sender: int, number: int, size: int = 32) -> str:
    """A message of `size` bytes that ends in its stamp."""
    return f"#{sender:03}:{number:06}".rjust(size, "x")


def frame(said: str) -> bytes:
    """A text frame as a client sends it. Its mask is 0, which changes nothing."""
    payload = said.encode()
    size = len(payload)
    short = size < 126
    head = bytes([0x80 | size]) if short else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + head + bytes(4) + payload


@dataclass(frozen=True)
class Dialect:
    """How to talk with an app: in plain texts, unless a library wraps them."""

    path: str = "/ws?username=u{}"  # with a client's number
    hello: str = ""  # is said first
    welcome: bytes = b"\r\n\r\n"  # ends what comes before the messages
    said: str = "{}"  # what is around a text


PLAIN = Dialect()
SOCKET_IO = Dialect(
    "/socket.io/?EIO=4&transport=websocket", "40", b'"}', '42["chat","{}"]'
)


class Connection(asyncio.Protocol):
    """A client that keeps what comes, and when.

    Args:
        number: its own.
        dialect: of the app.
        watch: is called with the size of whatever comes, in bytes.
    """

    def __init__(
        self,
        number: int = 0,
        dialect: Dialect = PLAIN,
        watch: Callable[[int], object] | None = None,
    ) -> None:
        self.number = number
        self.size = 0  # bytes that came
        self.chunks: list[tuple[float, bytes]] = []
        self.opened = asyncio.Event()
        self._dialect = dialect
        self._watch = watch
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    @property
    def request(self) -> bytes:
        """Its handshake."""
        return (
            f"GET {self._dialect.path.format(self.number)} HTTP/1.1\r\n"
            "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if not self.opened.is_set():
            self._greet(data)
            return
        self.size += len(data)
        self.chunks.append((time.perf_counter(), data))
        if self._watch is not None:
            self._watch(len(data))

    def _greet(self, data: bytes) -> None:
        in_answer = b"\r\n\r\n" in self._head
        self._head += data
        if b"\r\n\r\n" in self._head and not in_answer:
            assert self._head.startswith(b"HTTP/1.1 101 "), self._head
            if self._dialect.hello:
                self.transport.write(frame(self._dialect.hello))
        if self._head.endswith(self._dialect.welcome):
            self.opened.set()

    def say(self, *numbers: int, size: int = 32) -> None:
        """Send the messages of these numbers at once, each with our stamp.

        Who has been thrown out says nothing: it is counted with what was lost.

        Args:
            numbers: which of ours they are.
            size: of each text, in bytes.
        """
        texts = [text(self.number, number, size) for number in numbers]
        frames = [frame(self._dialect.said.format(each)) for each in texts]
        if not self.transport.is_closing():
            self.transport.write(b"".join(frames))

    def forget(self) -> None:
        """What came until now is not looked at."""
        self.size = 0
        self.chunks.clear()

    @property
    def data(self) -> bytes:
        """All that came."""
        return b"".join(chunk for _, chunk in self.chunks)

    def heard(self) -> Iterator[tuple[float, int, int]]:
        """Of each message: when it came, whose it is, and which of theirs.

        Times are of `time.perf_counter`, in seconds.
        """
        ends = list(accumulate(len(chunk) for _, chunk in self.chunks))
        for found in STAMP.finditer(self.data):
            moment, _ = self.chunks[bisect_left(ends, found.end())]
            yield moment, int(found[1]), int(found[2])


async def connect(
    port: int,
    number: int = 0,
    dialect: Dialect = PLAIN,
    watch: Callable[[int], object] | None = None,
) -> Connection:
    """A client that has been let in."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(START):
        _, connection = await loop.create_connection(
            lambda: Connection(number, dialect, watch), "127.0.0.1", port
        )
        await connection.opened.wait()
    return connection


@dataclass(frozen=True)
class Tally:
    """What became of all messages, counted for each listener and added up."""

    expected: int = 0
    lost: int = 0
    doubled: int = 0  # came again
    disordered: int = 0  # came after a later one of the same sender

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.expected + other.expected,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.disordered + other.disordered,
        )


def tally(listeners: Iterable[Connection], sent: Mapping[int, int]) -> Tally:
    """Count what came of what was sent.

    Args:
        listeners: each should have heard all, but for its own.
        sent: how many each number has said.
    """
    found = Tally()
    for listener in listeners:
        expected = sum(sent.values()) - sent.get(listener.number, 0)
        came = STAMP.findall(listener.data)
        once, late = len(set(came)), 0
        latest: dict[bytes, bytes] = {}
        for sender, number in came:
            if number < latest.get(sender, b""):
                late += 1
            else:
                latest[sender] = number
        found += Tally(expected, expected - once, len(came) - once, late)
    return found


async def _flood(port: int, clients: int, count: int) -> Tally:
    members = [await connect(port, number) for number in range(clients)]
    for member in members:
        member.say(*range(count))
    sent = dict.fromkeys(range(clients), count)
    silent, came = 0.0, -1
    while silent < SILENCE:
        before, came = came, sum(member.size for member in members)
        silent = silent + STEP if came == before else 0.0
        if silent == STEP and tally(members, sent).lost == 0:
            break
        await asyncio.sleep(STEP)
    for member in members:
        member.transport.abort()
    return tally(members, sent)


def flood(port: int, clients: int = 20, count: int = 100) -> Tally:
    """Let all say so much at once, each as fast as its socket takes it.

    Whatever has not come when nobody has heard anything for SILENCE is lost.
    """
    with ThreadPoolExecutor(1) as pool:  # a notebook's own thread has a loop already
        return pool.submit(run, _flood(port, clients, count)).result()


async def until(done: Callable[[], bool], within: float) -> bool:
    """Look every 5 ms, for so many seconds, whether it is so."""
    for _ in range(round(within / 0.005)):
        if done():
            return True
        await asyncio.sleep(0.005)
    return done()


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, on uvloop where there is one, and without garbage collection.

    What comes is kept until it has been looked at: there is nothing to collect.
    """
    gc.disable()
    try:
        import uvloop
    except ImportError:  # on Windows, where uvicorn does without it, too
        return asyncio.run(work)
    else:
        return uvloop.run(work)
    finally:
        gc.enable()
