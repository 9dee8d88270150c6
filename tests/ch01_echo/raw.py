"""A client of bytes, for what no WebSocket library would send."""

import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple, Self

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

DEADLINE = 20.0
"""Seconds for each step. Generous: each takes milliseconds."""

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)

MASK = bytes(4)
"""A client must mask; a mask of zeros is one, and leaves the payload readable."""


FIN = 0x80
"""The first byte of a frame, without its opcode: the last fragment, no extension."""


class Frame(NamedTuple):
    """One frame from the server."""

    opcode: int
    payload: bytes = b""
    flags: int = FIN


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    length: int | None = None,
) -> bytes:
    """The bytes of a frame from a client (RFC 6455 section 5.2), right or wrong.

    `length` is what the header claims, where that is not the payload's length.
    """
    head = bytes([fin << 7 | rsv << 4 | opcode])
    size = len(payload) if length is None else length
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, size)
    else:
        head += struct.pack("!BQ", 0x80 | 127, size)
    return head + MASK + payload


def fragments(opcode: int, *parts: bytes) -> bytes:
    """One message in as many frames as there are parts."""
    last = len(parts) - 1
    return b"".join(
        frame(CONT if i else opcode, part, fin=i == last)
        for i, part in enumerate(parts)
    )


def close(code: int, reason: bytes = b"") -> bytes:
    """The bytes of a close frame from a client."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


class RawClient:
    """A WebSocket connection that does only what it is told.

    Leaving the `with` closes the TCP connection and says no goodbye. `buffer` bounds
    the bytes that the kernel takes for a client who does not read.
    """

    def __init__(self, port: int, path: str, *, buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._socket.settimeout(DEADLINE)
        self._socket.connect(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self._incoming = self._socket.makefile("rb")
        self.send(HANDSHAKE.format(path=path).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._incoming.close()
        self._socket.close()

    def response(self) -> int:
        """The status of the answer to the handshake; its headers are skipped."""
        status = int(self._incoming.readline().split()[1])
        while self._incoming.readline().strip():
            pass
        return status

    def send(self, data: bytes, chop: int | None = None) -> None:
        """Send bytes, in chops of that size, each in a packet of its own."""
        if chop is None:
            self._socket.sendall(data)
            return
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), chop):
            self._socket.sendall(data[start : start + chop])

    def receive(self) -> Frame | None:
        """The server's next frame, or None when it has closed the connection."""
        head = self._incoming.read(2)
        if not head:
            return None
        length = head[1]  # a server does not mask: the highest bit is 0
        if length == 126:
            (length,) = struct.unpack("!H", self._incoming.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._incoming.read(8))
        return Frame(head[0] & 0x0F, self._incoming.read(length), head[0] & 0xF0)

    def receive_all(self) -> Iterator[Frame]:
        """Every frame until the server closes the connection."""
        while (received := self.receive()) is not None:
            yield received

    def reset(self) -> None:
        """Vanish: the kernel sends RST in place of FIN."""
        linger = struct.pack("ii", 1, 0)  # on, for 0 seconds
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._incoming.close()
        self._socket.close()
