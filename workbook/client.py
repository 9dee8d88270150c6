"""Named clients: `ana` sends, `ana` expects. Thin over `websockets`, all recorded."""

import json
import logging
import queue
import socket
import struct
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Close, Frame, Opcode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from workbook.failure import Failure, Hints, name, name_close, name_status, quote
from workbook.wire import Event, Wire

REPLY = 5.0
"""Seconds to wait for an answer. Generous: an answer takes milliseconds."""

MOST = 64 << 20
"""Bytes that one message may have, and that may lie unread before a client goes."""

EVENT = 500
"""Bytes that even an empty message takes to keep, about."""

NARROW = 4096
"""Bytes that the system may keep unread for a narrow client."""

SEGMENT = 1024
"""Bytes of one TCP segment to a narrow client. On loopback it may have 64 KiB, and for
segments of that size the server's system keeps some MiB that wait to be sent."""

QUIET = logging.Logger("workbook.client")
QUIET.disabled = True
"""The connections' log: what goes wrong there is told by a failure."""


class Recorder(ClientConnection):
    """A connection that records what arrives, when it arrives."""

    def __init__(self, name: str, wire: Wire, *args: Any, **kwargs: Any) -> None:
        self.name = name
        self.wire = wire
        self.inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.ended: Event | None = None
        self.unread = 0  # bytes
        self.holds = False  # what is to be sent, until it is sent together
        self._parts: list[Frame] = []
        super().__init__(*args, **kwargs)  # last: it starts the thread that reads

    def process_event(self, event: Any) -> None:
        """Called in the connection's thread for the response and every frame."""
        if not isinstance(event, Frame):
            self.wire.record(self.name, "in", "response", code=event.status_code)
            super().process_event(event)
        elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(event)
            if event.fin:
                self._keep(self._message())
        elif event.opcode is Opcode.CLOSE:
            close = Close.parse(event.data) if event.data else None
            code = close.code if close else None
            reason = close.reason if close else ""
            self.ended = self.wire.record(self.name, "in", "close", reason, code)
        else:
            kind = "ping" if event.opcode is Opcode.PING else "pong"
            self.wire.record(self.name, "in", kind, bytes(event.data))
            super().process_event(event)

    def send_data(self) -> None:
        if not self.holds:
            super().send_data()

    def send_together(self) -> None:
        """Send at once, as one piece, what was held back."""
        with self.protocol_mutex:
            self.holds = False
            to_send = self.protocol.data_to_send()
            last = [b""] if b"" in to_send else []  # the end of all that is sent
            self.protocol.writes = [b"".join(to_send), *last]
            super().send_data()

    def recv_events(self) -> None:
        """The connection's thread: when it ends, so has the connection."""
        super().recv_events()
        if self.response is not None and self.response.status_code == 101:
            came = self.protocol.close_rcvd
            if self.ended is None and came is not None:
                # It came; our answer could not go out, so no event told of it.
                record = partial(self.wire.record, self.name, "in", "close")
                self.ended = record(came.reason, came.code)
            sent, error = self.protocol.close_sent, self.protocol.parser_exc
            if self.ended is None and sent and not isinstance(error, EOFError | None):
                # We closed: what came was no frame, or too big a one.
                record = partial(self.wire.record, self.name, "out", "close")
                self.ended = record(sent.reason, sent.code)
            if self.ended is None:
                self.ended = self.wire.record(self.name, "in", "end")
            self.inbox.put(self.ended)

    def _keep(self, message: Event) -> None:
        """Put it where it is read; go away when nobody reads and too much comes."""
        self.inbox.put(message)
        self.unread += len(message.data or "") + EVENT
        if self.unread > MOST and self.ended is None:
            mark = f"more than {MOST >> 20} MiB came that nobody asked for"
            self.ended = self.wire.record(self.name, "out", "end", mark=mark)
            self.close_socket()

    def _message(self) -> Event:
        opcode, data = self._parts[0].opcode, b"".join(p.data for p in self._parts)
        self._parts.clear()
        if opcode is Opcode.TEXT:
            text = data.decode("utf-8", "backslashreplace")
            return self.wire.record(self.name, "in", "text", text)
        return self.wire.record(self.name, "in", "binary", data)


class Client:
    """One WebSocket connection to 127.0.0.1, opened when it is made.

    Use it in a `with`: leaving says goodbye (close 1000), an exception hangs up.
    Every wait is bounded by `reply` seconds.

    Args:
        name: what the wire and the messages call this client: "ana".
        port: the server's port on 127.0.0.1.
        path: the path with its query, as it goes into the handshake.
        wire: where to record; the clients of one run share it.
        headers: more headers of the handshake request, such as Cookie.
        origin: the Origin header, which browsers always send, programs seldom.
        subprotocols: what Sec-WebSocket-Protocol offers.
        reply: seconds to wait for the handshake's response and for each answer.
        compression: offer permessage-deflate, as browsers do.
        narrow: while it is stalled, the systems of both sides keep little for it: on
            Linux 100 KiB, and not some MiB.

    Raises:
        Failure: the handshake was refused or not answered.
    """

    def __init__(
        self,
        name: str,
        port: int,
        path: str = "/ws",
        *,
        wire: Wire | None = None,
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
        subprotocols: Sequence[str] | None = None,
        reply: float = REPLY,
        compression: bool = False,
        narrow: bool = False,
    ) -> None:
        self.name = name
        self.path = path
        self.port = 0  # this side's port, by which the server knows the connection
        self.wire = Wire() if wire is None else wire
        self.reply = reply
        self.received = 0  # messages that were asked for and came
        self.stays = False  # connected when a check fails
        self._stalled = False
        self._sent = _name_handshake(path, headers or {}, origin)
        self.wire.record(name, "out", "request", path)
        offers = [Subprotocol(text) for text in subprotocols or ()]
        try:
            sock = _connect(port, reply, narrow)
            self.port = int(sock.getsockname()[1])
            sock.settimeout(None)
            opening = connect(
                f"ws://127.0.0.1:{port}{path}",
                sock=sock,
                origin=None if origin is None else Origin(origin),
                subprotocols=offers or None,
                additional_headers=dict(headers or {}),
                compression="deflate" if compression else None,
                open_timeout=reply,
                ping_interval=None,
                close_timeout=reply,
                max_size=MOST,
                max_queue=None,
                logger=QUIET,
                create_connection=cast(
                    type[Recorder], partial(Recorder, name, self.wire)
                ),
            )
            self._connection = cast(Recorder, ExitStack().enter_context(opening))
            with suppress(OSError):  # the server may have closed it already
                self._connection.socket.settimeout(reply)  # if it does not read
        except (ConnectionClosed, InvalidHandshake, OSError, EOFError) as error:
            raise self._handshake_failure(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif not (self.stays and isinstance(error, Failure)):
            self.hang_up()

    @property
    def sent(self) -> str:
        """What this client did last, in the words of the messages."""
        return self._sent

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the handshake's response."""
        response = self._connection.response
        return {} if response is None else dict(response.headers.raw_items())

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of the subprotocols that were offered."""
        return self._connection.subprotocol

    def send(
        self,
        message: str | bytes,
        *,
        hint: str | None = None,
        hints: Hints | None = None,
    ) -> None:
        """Send one text or binary message.

        Args:
            message: a `str` for a text message, `bytes` for a binary one.
            hint: what to say when the connection had ended.
            hints: what to say instead when it had ended with a certain close code.

        Raises:
            Failure: the connection had ended.
        """
        self._sent = quote(message)
        self.wire.record(
            self.name, "out", "text" if isinstance(message, str) else "binary", message
        )
        try:
            self._connection.send(message)
        except ConnectionClosed as error:
            ending = self._ending()
            failure = self._failure("an open connection", ending, hint, hints)
            if isinstance(error.__cause__, TimeoutError):
                failure.got = f"a server that read nothing for {self.reply:g} s"
                failure.expected = "a server that reads what is sent"
                failure.silent = True
            raise failure from None

    @contextmanager
    def together(self) -> Generator[None]:
        """What is sent inside leaves in one piece, and comes in one piece, if short.

        So a server has read all of it before its app has seen the first.
        """
        self._connection.holds = True
        try:
            yield
        finally:
            with suppress(OSError):  # the connection has ended: the next one is told
                self._connection.send_together()

    def send_json(self, value: object, *, hint: str | None = None) -> None:
        """Send `value` as JSON in a text message.

        Args:
            value: what `json.dumps` can write.
            hint: what to say when the connection had ended.

        Raises:
            Failure: the connection had ended.
        """
        self.send(json.dumps(value), hint=hint)

    def ping(self, wait: float | None = None) -> bool:
        """Send a ping; say whether its pong came within `wait` seconds (`reply`)."""
        self.wire.record(self.name, "out", "ping")
        try:
            pong = self._connection.ping()
        except ConnectionClosed:
            return False
        return pong.wait(self.reply if wait is None else wait)

    def receive(self, expected: str = "a message") -> str | bytes:
        """The next message, however late it is asked for.

        Args:
            expected: how to name what should come, for the message of a failure.

        Raises:
            Failure: nothing came in time, or the connection ended.
        """
        event = self._next(expected)
        if event.kind not in ("text", "binary") or event.data is None:
            raise self._failure(expected, event)
        self.received += 1
        return event.data

    def expect(
        self,
        message: str | bytes,
        *,
        hint: str | None = None,
        hints: Hints | None = None,
    ) -> None:
        """The next message must be this one, of this kind.

        Args:
            message: a `str` for a text message, `bytes` for a binary one.
            hint: what to say when it is not.
            hints: what to say instead when it is a certain other one.

        Raises:
            Failure: another message came, none, or the connection ended.
        """
        expected = quote(message)
        event = self._next(expected, hint, hints)
        if event.kind not in ("text", "binary") or event.data != message:
            raise self._failure(expected, event, hint, hints)
        self.received += 1

    def expect_json(
        self, value: object, *, hint: str | None = None, hints: Hints | None = None
    ) -> None:
        """The next message must be a text that holds this value as JSON.

        Spaces and the order of keys do not matter.

        Raises:
            Failure: it is another value, not JSON, not text, or nothing came.
        """
        expected = f"JSON {json.dumps(value)}"
        event = self._next(expected, hint, hints)
        if event.kind != "text" or _parse(event.data) != value:
            raise self._failure(expected, event, hint, hints)
        self.received += 1

    def expect_close(
        self,
        code: int,
        reason: str | None = None,
        *,
        hint: str | None = None,
        hints: Hints | None = None,
    ) -> None:
        """The server must close now, with this code.

        Args:
            code: the close code; 1006 means that no close frame came.
            reason: the reason to expect; None accepts any.

        Raises:
            Failure: a message came instead, nothing, or another code or reason.
        """
        expected = name_close(code, reason or "")
        event = self._next(expected, hint, hints)
        got = 1006 if event.kind == "end" else event.code
        data = event.data if event.kind == "close" else None
        wrong_reason = reason is not None and data != reason
        if event.kind not in ("close", "end") or got != code or wrong_reason:
            raise self._failure(expected, event, hint, hints)

    def stall(self) -> None:
        """Read nothing more, but for the next few KiB: what comes waits in the system.

        Until `read_on`, or the connection's end. A ping gets no pong meanwhile.
        """
        if not self._stalled:
            self._stalled = True
            self.wire.record(self.name, "none", "stall")
            self._connection.recv_flow_control.acquire()

    def read_on(self) -> None:
        """Read again, what has waited first."""
        if self._stalled:
            self._stalled = False
            self.wire.record(self.name, "none", "stall", "reads on")
            self._connection.recv_flow_control.release()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and wait for the server's goodbye, at most `reply` seconds."""
        self.read_on()
        if self._connection.ended is None:
            self.wire.record(self.name, "out", "close", reason, code)
            self._sent = name_close(code, reason)
        self._connection.close(code, reason)

    def abort(self) -> None:
        """Vanish without a goodbye: the TCP connection is reset."""
        if self._connection.ended is None:
            self._connection.ended = self.wire.record(self.name, "out", "end")
        self.hang_up()

    def hang_up(self) -> None:
        """End the TCP connection, if it is still open, and tell nobody."""
        if self._connection.ended is None:  # nothing to be told on the wire
            self._connection.ended = Event(self.wire.now(), self.name, "out", "end")
        linger = struct.pack("ii", 1, 0)  # for 0 s: closing sends RST in place of FIN
        with suppress(OSError):  # it had gone by itself
            self._connection.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger
            )
        # First, or the connection's thread might still send an orderly FIN.
        self._connection.socket.close()
        self.read_on()  # or the thread would wait for it
        self._connection.close_socket()

    def _next(
        self, expected: str, hint: str | None = None, hints: Hints | None = None
    ) -> Event:
        try:
            event = self._connection.inbox.get(timeout=self.reply)
        except queue.Empty:
            event = self.wire.record(self.name, "in", "missing")
            raise self._failure(expected, event, hint, hints) from None
        if event.kind in ("close", "end"):
            self._connection.inbox.put(event)  # whoever asks again is told again
        else:
            self._connection.unread -= len(event.data or "") + EVENT
        return event

    def _ending(self) -> Event:
        self._connection.wait_closed(self.reply)
        if self._connection.ended is None:
            return self.wire.record(self.name, "in", "end")
        return self._connection.ended

    def _failure(
        self,
        expected: str,
        event: Event,
        hint: str | None = None,
        hints: Hints | None = None,
    ) -> Failure:
        key = event.code if event.kind in ("close", "response") else event.data
        key = 1006 if event.kind == "end" else key
        keyed = (hints or {}).get(key) if key is not None else None
        self.wire.mark(event, f"expected {expected}")
        silent = event.kind == "missing"
        got = f"nothing for {self.reply:g} s" if silent else name(event)
        if event.kind == "close" and event.direction == "out":
            got = f"a frame that this client refused: {got}"
        return Failure(
            who=self.name,
            sent=self._sent,
            got=event.mark or got,
            expected=expected,
            hint=keyed or hint,
            event=event,
            port=self.port,
            received=self.received,
            silent=silent,
        )

    def _handshake_failure(self, error: Exception) -> Failure:
        if isinstance(error, InvalidStatus):
            mine = [e for e in self.wire if e.client == self.name]
            answer = [e for e in mine if e.kind == "response"][-1]
            return self._refusal(answer, name_status(error.response.status_code))
        event = self.wire.record(self.name, "in", "missing")
        failure = self._refusal(event, "no answer: the connection ended")
        if isinstance(error, TimeoutError):
            failure.got = f"nothing for {self.reply:g} s"
            failure.silent = True
        elif isinstance(error, ConnectionRefusedError):
            failure.got = "no answer: no server is there"
        elif isinstance(error, InvalidHandshake) and error.__cause__ is None:
            failure.got = f"an answer that this client refused: {error}"
        return failure

    def _refusal(self, event: Event, got: str) -> Failure:
        self.wire.mark(event, f"expected {name_status(101)}")
        return Failure(
            who=self.name,
            sent=self._sent,
            got=got,
            expected=name_status(101),
            event=event,
            port=self.port,
            received=self.received,
        )


def _connect(port: int, reply: float, narrow: bool) -> socket.socket:
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    try:
        sock.settimeout(reply)
        if narrow:  # before it connects: the handshake of TCP tells it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            if hasattr(socket, "TCP_MAXSEG"):
                with suppress(OSError):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock


def _name_handshake(path: str, headers: Mapping[str, str], origin: str | None) -> str:
    said = dict(headers) if origin is None else {"Origin": origin, **headers}
    words = [f"{key}: {value}" for key, value in said.items()]
    shown = [word if len(word) <= 60 else f"{word[:60]}…" for word in words]
    return ", ".join(["the handshake", f"GET {path}", *shown])


def _parse(data: object) -> object:
    if not isinstance(data, str):
        return None
    try:
        return json.loads(data)
    except ValueError:
        return None
