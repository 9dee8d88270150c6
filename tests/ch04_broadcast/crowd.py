"""Many clients in one thread: quick enough that the server is what takes the time."""

import json
import selectors
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.ch01_echo.raw import CLOSE, HANDSHAKE, PING, PONG, TEXT, Frame, close, frame

DEADLINE = 60.0
"""Seconds for each thing that a crowd waits for. Generous: it takes a few."""


def said(username: str, text: str) -> bytes:
    """What is to go over the wire when somebody says this."""
    return json.dumps({"username": username, "message": text}).encode()


class Person:
    """One client of a crowd. What it hears is kept; what it says goes in its time."""

    def __init__(self, port: int, name: str, *, buffer: int | None = None) -> None:
        self.name = name
        self.heard: list[bytes] = []  # the payloads of the text frames
        self.pongs = 0
        self.closed: Frame | None = None  # the close frame that came
        self.ended = False
        self.outgoing = bytearray()
        self._incoming = bytearray()
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(HANDSHAKE.format(path=f"/ws?username={name}").encode())
        while b"\r\n\r\n" not in self._incoming:
            self._incoming += self.socket.recv(1 << 16)
        response, _, self._incoming = self._incoming.partition(b"\r\n\r\n")
        assert response.startswith(b"HTTP/1.1 101 ")
        self.socket.setblocking(False)

    def say(self, *texts: str) -> None:
        for text in texts:
            self.outgoing += frame(TEXT, text.encode())

    def ping(self) -> None:
        self.outgoing += frame(PING)

    def say_goodbye(self) -> None:
        self.outgoing += close(1000)

    def write(self) -> None:
        sent = self.socket.send(memoryview(self.outgoing)[: 1 << 18])
        del self.outgoing[:sent]

    def read(self) -> None:
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self._incoming += data
        start = 0
        while (end := self._end_of_frame(start)) is not None:
            start = end
        del self._incoming[:start]

    def _end_of_frame(self, start: int) -> int | None:
        """Take the frame that starts there; None where it has not come whole."""
        data = self._incoming
        if len(data) < start + 2:
            return None
        begin, length = start + 2, data[start + 1]
        if length >= 126:
            size, kind = (2, "!H") if length == 126 else (8, "!Q")
            if len(data) < begin + size:
                return None
            (length,) = struct.unpack_from(kind, data, begin)
            begin += size
        end = begin + length
        if len(data) < end:
            return None
        opcode, payload = data[start] & 0x0F, bytes(data[begin:end])
        if opcode == TEXT:
            self.heard.append(payload)
        elif opcode == PONG:
            self.pongs += 1
        elif opcode == CLOSE:
            self.closed = Frame(CLOSE, payload)
        return end


class Crowd:
    """The people of one test, moved by one loop.

    Leaving the `with` ends every connection.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.people: list[Person] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for person in self.people:
            person.socket.close()
        self._selector.close()

    def join(self, name: str, *, buffer: int | None = None) -> Person:
        """Somebody more, who has been accepted when this returns."""
        person = Person(self.port, name, buffer=buffer)
        self._selector.register(person.socket, selectors.EVENT_READ, person)
        self.people.append(person)
        return person

    def reset(self, person: Person) -> None:
        """It vanishes: the kernel sends RST in place of FIN."""
        self._selector.unregister(person.socket)
        linger = struct.pack("ii", 1, 0)  # on, for 0 seconds
        person.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        person.socket.close()
        person.ended = True

    def ignore(self, person: Person) -> None:
        """From now on nobody reads this one's socket."""
        self._selector.unregister(person.socket)

    def heed(self, person: Person) -> None:
        """From now on it is read again."""
        self._selector.register(person.socket, selectors.EVENT_READ, person)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let them all speak and hear until this is so."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            self._turn()
            assert time.monotonic() < deadline, f"{DEADLINE:g} s, and not yet: {what}"

    def _turn(self) -> None:
        for key in list(self._selector.get_map().values()):
            wish = selectors.EVENT_READ
            if key.data.outgoing:
                wish |= selectors.EVENT_WRITE
            if key.events != wish:
                self._selector.modify(key.fileobj, wish, key.data)
        for key, events in self._selector.select(0.05):
            person: Person = key.data
            if events & selectors.EVENT_READ:
                person.read()
            if events & selectors.EVENT_WRITE and not person.ended:
                person.write()
            if person.ended:
                self._selector.unregister(person.socket)
