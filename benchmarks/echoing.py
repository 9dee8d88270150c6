"""A client that sends its next text when the echo is there, and looks at each echo.

It can do permessage-deflate as a browser offers it. Its frames are made once, and each
is compressed by itself, which every server has to understand: so it costs the client
little. What comes is compressed by the server with all that it has sent before.
"""

import asyncio
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from benchmarks.load import START, Connection, until

DOOR = 32  # clients that come in at once
COUNT = 16  # different texts; after these the first comes again
PREFIX = b"Message text was: "
TALK = (
    "the room is open and ana says hello to bo who left an hour ago with cy and"
    " nobody knows when the next message comes or whether it was read at all"
)
WORDS = TALK.split()

PING = 9  # its opcode

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@cache
def texts(size: int) -> list[bytes]:
    """Texts of so many bytes, of words that come again and again, as people's do."""
    chance = random.Random(6)  # the same texts in every run
    found = list[bytes]()
    for number in range(COUNT):
        words, length = [f"{number:02}"], 2
        while length < size:
            words.append(chance.choice(WORDS))
            length += 1 + len(words[-1])
        found.append(" ".join(words)[:size].encode())
    return found


@cache
def frames(size: int, deflate: bool) -> list[bytes]:
    """The frames of these texts, as a client sends them; their mask is 0."""
    found = list[bytes]()
    for text in texts(size):
        payload = text
        if deflate:
            packer = zlib.compressobj(wbits=-12)
            packed = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
            payload = packed.removesuffix(b"\0\0\xff\xff")
        first = bytes([0xC1 if deflate else 0x81])
        length = len(payload)
        if length < 126:
            head = bytes([0x80 | length])
        else:
            head = b"\xfe" + length.to_bytes(2, "big")
        found.append(first + head + bytes(4) + payload)
    return found


@dataclass(frozen=True)
class Kind:
    """What the echoes are of."""

    connections: int
    size: int  # bytes
    deflate: bool

    @property
    def title(self) -> str:
        size = f"{self.size} B" if self.size < 1024 else f"{self.size // 1024} KiB"
        return f"{size}, permessage-deflate" if self.deflate else size


class Echoer(asyncio.Protocol):
    """One client.

    Args:
        kind: of the texts.
        raw: whether the bytes come back as they were, and not as an app's answer.
        greeted: whether the app speaks first.
    """

    def __init__(self, kind: Kind, *, raw: bool = False, greeted: bool = False) -> None:
        self._frames = frames(kind.size, kind.deflate)
        prefix = b"" if raw else PREFIX
        self._answers = [prefix + text for text in texts(kind.size)]
        self._unpack = zlib.decompressobj(-15) if kind.deflate else None
        self._greeted = greeted
        self._buffer = b""
        self._talking = True
        self.said = 0
        self.echoes = 0  # that were right
        self.doubled = 0  # came again
        self.pings = 0  # that were answered
        self.disordered = 0  # something else than what was next
        self._answered = False  # its handshake
        self.opened = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        more = "Cookie: token=SECRET_API_TOKEN\r\n" + (OFFER if self._unpack else "")
        end = len(b"\r\n")
        request = Connection(0).request
        self.transport.write(request[:-end] + more.encode() + b"\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._answered:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            assert (b"permessage-deflate" in head) is (self._unpack is not None), head
            self._answered, self._buffer = True, rest
            if not self._greeted:
                self.opened.set()
        while (found := self._next()) is not None:
            opcode, payload = found
            if opcode == PING:
                self.pings += 1
                self.transport.write(b"\x8a" + bytes([0x80 | len(payload)]))
                self.transport.write(bytes(4) + payload)
            else:
                self._hear(payload)

    def _next(self) -> tuple[int, bytes] | None:
        """Opcode and payload of a frame that is there."""
        data = self._buffer
        if len(data) < 2:
            return None
        start, length = 2, data[1] & 0x7F
        if length == 126:
            start, length = 4, int.from_bytes(data[2:4], "big")
        if data[1] & 0x80:  # our own frame, from who does not look at it
            start += 4
        end = start + length
        if len(data) < end:
            return None
        payload, self._buffer = data[start:end], data[end:]
        if data[0] & 0x40 and self._unpack is not None:
            payload = self._unpack.decompress(payload + b"\0\0\xff\xff")
        return data[0] & 0x0F, payload

    def _hear(self, payload: bytes) -> None:
        if self._greeted:
            self._greeted = False
            self.opened.set()
            return
        place = (self.said - 1) % COUNT
        if payload == self._answers[place] and self.echoes < self.said:
            self.echoes += 1
            if self._talking:
                self.say()
        elif payload in (self._answers[place], self._answers[place - 1]):
            self.doubled += 1
        else:
            self.disordered += 1

    def say(self) -> None:
        self.transport.write(self._frames[self.said % COUNT])
        self.said += 1

    def stop(self) -> None:
        """Say nothing more."""
        self._talking = False


async def connect(
    port: int, kind: Kind, *, raw: bool = False, greeted: bool = False
) -> list[Echoer]:
    """So many clients; they begin to speak when all have been let in."""
    loop = asyncio.get_running_loop()

    async def enter() -> Echoer:
        _, each = await loop.create_connection(
            lambda: Echoer(kind, raw=raw, greeted=greeted), "127.0.0.1", port
        )
        await each.opened.wait()
        return each

    found = list[Echoer]()
    async with asyncio.timeout(START):
        while missing := kind.connections - len(found):
            found += await asyncio.gather(*(enter() for _ in range(min(missing, DOOR))))
    for each in found:
        each.say()
    return found


async def finish(clients: Sequence[Echoer], patience: float) -> None:
    """Let what is under way come; what has not come then is lost."""
    for each in clients:
        each.stop()
    await until(lambda: all(each.echoes == each.said for each in clients), patience)
    for each in clients:
        each.transport.abort()
