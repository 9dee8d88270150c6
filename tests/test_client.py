"""Named clients: what they send and see, and that no wait of theirs is endless."""

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import wait_until
from workbook import client as module
from workbook.client import Client
from workbook.failure import Failure, name
from workbook.server import Server
from workbook.wire import Wire

SHORT = 0.3
"""Seconds to wait for what never comes."""

LONG = 30.0
"""Seconds that nothing here takes, however busy the machine is."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(Path(__file__).with_name("client_app.py")) as it:
        yield it


@pytest.fixture
def ana(server: Server) -> Iterator[Client]:
    with server.connect("ana", "/echo", wire=Wire()) as ana:
        yield ana


def accept(connection: socket.socket, *headers: str) -> None:
    """Answer a handshake with 101 and these headers more."""
    request = connection.recv(65536)
    key = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)[0]
    value = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {value}",
        *headers,
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())


@contextmanager
def raw(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose one visitor is handled by this, for what uvicorn never does."""
    errors: list[BaseException] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(LONG)
        with connection:
            try:
                handle(connection)
            except BaseException as error:
                errors.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(LONG)
        assert not thread.is_alive()
    assert errors == []


def hasten(client: Client) -> None:
    """Have it wait for SHORT seconds from now on: its handshake could take longer."""
    client.reply = client._connection.close_timeout = SHORT
    client._connection.socket.settimeout(SHORT)


def kinds(wire: Wire, client: str = "ana") -> list[str]:
    return [f"{e.direction} {e.kind}" for e in wire if e.client == client]


# Messages


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "",
        "Grüße 👋",
        "a\x00b",
        "x" * 200_000,
        b"",
        b"\x00\xff",
        b"x" * 200_000,
    ],
    ids=["text", "empty", "unicode", "nul", "long", "no bytes", "bytes", "many bytes"],
)
def test_a_message_goes_and_comes_as_it_is(ana: Client, message: str | bytes) -> None:
    ana.send(message)
    ana.expect(message)

    kind = "text" if isinstance(message, str) else "binary"
    assert [event.data for event in ana.wire][2:] == [message, message]
    assert kinds(ana.wire)[2:] == [f"out {kind}", f"in {kind}"]


def test_a_message_of_many_frames_is_one_message() -> None:
    def send_pieces(connection: socket.socket) -> None:
        accept(connection)
        connection.sendall(b"\x01\x02Gr\x00\x00\x00\x00\x80\x04\xc3\xbc\xc3\x9f")
        connection.sendall(b"\x02\x01a\x89\x00\x80\x01b")  # a ping in the middle
        connection.recv(65536)

    with raw(send_pieces) as port, Client("ana", port) as ana:
        ana.expect("Grüß")
        ana.expect(b"ab")
        assert kinds(ana.wire)[2:5] == ["in text", "in ping", "in binary"]
        ana.abort()


def test_json_is_compared_by_its_value(ana: Client) -> None:
    ana.send_json({"b": [1, None], "a": "ü"})
    ana.expect_json({"a": "ü", "b": [1, None]})

    ana.send("{'a': 1}")
    with pytest.raises(Failure) as no:
        ana.expect_json({"a": 1})
    assert (no.value.got, no.value.expected) == ("text \"{'a': 1}\"", 'JSON {"a": 1}')


def test_another_message_is_a_failure_with_all_its_rows(ana: Client) -> None:
    ana.send("first")
    ana.expect("first")
    ana.send("hello")

    with pytest.raises(Failure) as no:
        ana.expect("HELLO", hint="In capitals.", hints={"hello": "It is as it was."})

    assert no.value.lines == [
        ("ana sent", 'text "hello"'),
        ("ana got", 'text "hello"'),
        ("ana expected", 'text "HELLO"'),
        ("hint", "It is as it was."),
    ]
    assert str(no.value).splitlines()[2] == 'ana expected  text "HELLO"'
    assert (no.value.port, no.value.received) == (ana.port, 1)
    assert [e.mark for e in ana.wire if e.mark] == ['expected text "HELLO"']


def test_a_text_is_not_the_same_as_the_bytes_of_it(ana: Client) -> None:
    ana.send(b"hello")

    with pytest.raises(Failure) as no:
        ana.expect("hello")

    assert no.value.got == "binary, 5 bytes: 68 65 6c 6c 6f"


def test_silence_is_told_with_its_length(server: Server) -> None:
    with server.connect("ana", "/stares", wire=Wire()) as ana:
        hasten(ana)
        began = time.monotonic()
        with pytest.raises(Failure) as no:
            ana.receive()
        assert time.monotonic() - began < LONG
        ana.abort()

    assert no.value.silent
    assert no.value.got == "nothing for 0.3 s"
    assert no.value.expected == "a message"
    assert kinds(ana.wire)[-2:] == ["in missing", "out end"]


def test_a_server_that_does_not_read_holds_nobody_up(server: Server) -> None:
    ana = server.connect("ana", "/stares")
    hasten(ana)

    def send_all() -> None:
        for _ in range(100):
            ana.send(b"x" * (1 << 20))

    with pytest.raises(Failure) as no:
        send_all()

    assert no.value.silent
    assert no.value.got == "a server that read nothing for 0.3 s"


def test_a_flood_that_nobody_reads_ends_the_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 4 << 20)
    with server.connect("ana", "/floods", wire=Wire()) as ana:
        assert ana._connection.wait_closed(LONG)
        ana.receive()  # what came before is there

    marks = [event.mark for event in ana.wire if event.kind == "end"]
    assert marks == ["more than 4 MiB came that nobody asked for"]


def test_a_message_that_is_too_big_is_refused() -> None:
    def announce(connection: socket.socket) -> None:
        accept(connection)
        connection.sendall(b"\x82\x7f" + (100 << 20).to_bytes(8))
        assert connection.recv(65536)[:1] == b"\x88"

    with raw(announce) as port, Client("ana", port) as ana:
        with pytest.raises(Failure) as no:
            ana.expect("hello")
        assert no.value.got.startswith(
            "a frame that this client refused: close 1009 message too big"
        )


def test_bytes_that_are_no_frame_are_refused() -> None:
    def babble(connection: socket.socket) -> None:
        accept(connection)
        connection.sendall(b"\x83\x00")  # opcode 3 means nothing
        connection.recv(65536)

    with raw(babble) as port, Client("ana", port) as ana:
        with pytest.raises(Failure) as no:
            ana.expect("hello")
        assert "close 1002 protocol error" in no.value.got


# Pings


def test_a_ping_is_answered_by_the_server(ana: Client) -> None:
    assert ana.ping()

    assert kinds(ana.wire)[2:] == ["out ping", "in pong"]


def test_a_ping_is_answered_by_the_client() -> None:
    def ping(connection: socket.socket) -> None:
        accept(connection)
        connection.sendall(b"\x89\x01p")
        assert connection.recv(65536)[:1] == b"\x8a"
        connection.sendall(b"\x81\x02ok")

    with raw(ping) as port, Client("ana", port) as ana:
        ana.expect("ok")
        ana.abort()

    assert kinds(ana.wire)[2:4] == ["in ping", "in text"]


def test_a_ping_that_nobody_answers_is_told_in_time() -> None:
    done = threading.Event()

    def ignore(connection: socket.socket) -> None:
        accept(connection)
        done.wait(LONG)

    with raw(ignore) as port, Client("ana", port) as ana:
        hasten(ana)
        assert not ana.ping()
        assert not ana.ping(0.1)
        ana.abort()
        assert not ana.ping()
        done.set()


def test_what_is_sent_together_comes_in_one_piece() -> None:
    pieces: list[int] = []

    def receive(connection: socket.socket) -> None:
        accept(connection)
        pieces.append(len(connection.recv(65536)))
        connection.sendall(b"\x81\x02ok")

    with raw(receive) as port, Client("ana", port) as ana:
        with ana.together():
            for _ in range(100):
                ana.send("hello")
        ana.expect("ok")
        ana.abort()

    assert pieces == [100 * len(b"\x81\x85maskhello")]


def test_together_is_not_for_ever(ana: Client) -> None:
    with ana.together():
        ana.send("one")
    ana.expect("one")
    ana.send("two")
    ana.expect("two")


def test_who_is_sent_off_meanwhile_learns_of_it(server: Server) -> None:
    with server.connect("ana", "/closes?code=1000", wire=Wire()) as ana:
        ana.expect_close(1000)
        with pytest.raises(Failure, match="an open connection"), ana.together():
            ana.send("hello")


# Endings


@pytest.mark.parametrize(
    ("code", "name"),
    [(1000, "normal closure"), (1011, "internal error"), (4999, "the app's own")],
)
def test_a_close_is_seen_with_code_and_reason(
    server: Server, code: int, name: str
) -> None:
    with server.connect("ana", f"/closes?code={code}&reason=too%20late") as ana:
        ana.expect_close(code, "too late")
        ana.expect_close(code)  # whoever asks again is told again
        with pytest.raises(Failure) as no:
            ana.expect("hello")

    assert no.value.got == f'close {code} {name}, "too late"'


def test_a_reason_to_close_is_not_a_message(server: Server) -> None:
    with (
        server.connect("ana", "/closes?code=1000&reason=hello") as ana,
        pytest.raises(Failure) as no,
    ):
        ana.expect("hello")

    assert no.value.got == 'close 1000 normal closure, "hello"'


def test_another_close_is_a_failure_that_names_both(server: Server) -> None:
    with server.connect("ana", "/closes?code=1011") as ana:
        with pytest.raises(Failure) as no:
            ana.expect_close(1000, "bye", hint="No.", hints={1011: "It broke."})
        with pytest.raises(Failure) as reason:
            ana.expect_close(1011, "bye")

    assert no.value.lines[1:] == [
        ("ana got", "close 1011 internal error"),
        ("ana expected", 'close 1000 normal closure, "bye"'),
        ("hint", "It broke."),
    ]
    assert reason.value.expected == 'close 1011 internal error, "bye"'


def test_an_end_without_a_close_frame_is_1006(server: Server) -> None:
    with server.connect("ana", "/returns") as ana:
        ana.expect_close(1006)
        with pytest.raises(Failure) as no:
            ana.expect_close(1000, hints={1006: "Nobody said goodbye."})

    assert no.value.got == "the connection ended without a close frame (1006)"
    assert no.value.hint == "Nobody said goodbye."


def test_a_send_after_the_end_is_a_failure(server: Server) -> None:
    with server.connect("ana", "/closes?code=1001") as ana:
        ana.expect_close(1001)
        with pytest.raises(Failure) as no:
            ana.send("hello", hint="It has gone.")

    assert no.value.got == "close 1001 going away"
    assert no.value.expected == "an open connection"
    assert no.value.hint == "It has gone."


def test_a_goodbye_that_nobody_returns_is_waited_for_in_bounds() -> None:
    done = threading.Event()

    def ignore(connection: socket.socket) -> None:
        accept(connection)
        done.wait(LONG)

    with raw(ignore) as port:
        ana = Client("ana", port)
        hasten(ana)
        began = time.monotonic()
        ana.close(1001, "bye")
        assert time.monotonic() - began < LONG
        done.set()

    assert kinds(ana.wire)[-2:] == ["out close", "in end"]


def test_an_abort_is_a_reset_and_not_an_orderly_end() -> None:
    seen: list[object] = []

    def read(connection: socket.socket) -> None:
        accept(connection)
        try:
            seen.append(connection.recv(1))
        except OSError as error:
            seen.append(type(error))

    for _ in range(30):  # the connection's thread must not be quicker with its FIN
        with raw(read) as port:
            ana = Client("ana", port)
            ana.abort()
            ana.abort()
        assert kinds(ana.wire)[2:] == ["out end"]

    assert set(seen) == {ConnectionResetError}


def test_who_leaves_by_an_exception_hangs_up(server: Server) -> None:
    with server.connect("bo", "/tells") as bo:
        ana = server.connect("ana", "/watches")
        ana.expect("watched")
        error = ZeroDivisionError()
        ana.__exit__(type(error), error, None)
        bo.expect("websocket.disconnect 1005")  # and not 1000, which is a goodbye


# A client that does not read


def test_little_is_kept_for_a_narrow_client_that_stalls_and_nothing_is_lost() -> None:
    stalled, full = threading.Event(), threading.Event()
    text = b"x" * (1 << 20)
    kept: list[int] = []

    def fill(connection: socket.socket) -> None:
        accept(connection)
        assert stalled.wait(LONG)
        rest = memoryview(b"\x81\x7f" + struct.pack("!Q", len(text)) + text)
        connection.settimeout(SHORT)
        with suppress(TimeoutError):
            while rest:
                rest = rest[connection.send(rest) :]
        kept.append(len(text) - len(rest))
        full.set()
        connection.settimeout(LONG)
        connection.sendall(rest)
        with suppress(ConnectionResetError):
            connection.recv(65536)

    with raw(fill) as port:
        ana = Client("ana", port, narrow=True)
        ana.stall()
        ana.stall()
        stalled.set()
        assert full.wait(LONG)
        assert "text" not in [event.kind for event in ana.wire]
        ana.read_on()
        ana.read_on()
        ana.expect(text.decode())
        ana.abort()

    told = [name(event) for event in ana.wire if event.kind == "stall"]
    assert told == ["reads nothing from here on", "reads on"]
    assert kept[0] < len(text) // 2


def test_a_stalled_client_can_talk(server: Server) -> None:
    with server.connect("ana", "/echo", wire=Wire()) as ana:
        ana.send("one")
        ana.expect("one")
        ana.stall()
        ana.send("two")
        ana.send("three")
        ana.read_on()
        ana.expect("two")
        ana.expect("three")


@pytest.mark.parametrize("leave", [Client.close, Client.abort, Client.hang_up])
def test_a_stalled_client_can_leave(
    server: Server, leave: Callable[[Client], None]
) -> None:
    before = set(threading.enumerate())  # some of them may be about to end
    ana = server.connect("ana", "/floods", wire=Wire())
    ana.receive()
    ana.stall()

    leave(ana)

    wait_until(lambda: set(threading.enumerate()) <= before, "its thread has ended")


@pytest.mark.parametrize("leave", [Client.close, Client.abort, Client.hang_up])
def test_a_thread_that_waits_to_read_on_ends_with_its_client(
    server: Server, leave: Callable[[Client], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    class Noted:
        """The lock that is held while a client is stalled."""

        def __init__(self) -> None:
            lock = threading.Lock()
            self.acquire, self.release = lock.acquire, lock.release

        def __enter__(self) -> None:
            if not self.acquire(blocking=False):
                waits.set()
                self.acquire()

        def __exit__(self, *_: object) -> None:
            self.release()

    before = set(threading.enumerate())  # some of them may be about to end
    ana = server.connect("ana", "/floods", wire=Wire())
    monkeypatch.setattr(ana._connection, "recv_flow_control", Noted())
    ana.stall()
    assert waits.wait(LONG)

    leave(ana)

    wait_until(lambda: set(threading.enumerate()) <= before, "its thread has ended")


# The handshake


def test_headers_origin_and_cookies_go_with_the_handshake(server: Server) -> None:
    headers = {"Cookie": "token=abc"}
    with server.connect(
        "ana", "/handshake", headers=headers, origin="https://example.org"
    ) as ana:
        said = json.loads(ana.receive())
        assert said["cookie"] == "token=abc"
        assert said["origin"] == "https://example.org"
        assert {name.lower(): v for name, v in ana.headers.items()}["x-room"] == "blue"
    with server.connect("bo", "/handshake") as bo:
        bo.expect_json(dict.fromkeys(said))


def test_compression_is_offered_when_it_is_asked_for(server: Server) -> None:
    with server.connect("ana", "/handshake", compression=True) as ana:
        assert (
            "permessage-deflate"
            in json.loads(ana.receive())["sec-websocket-extensions"]
        )
    with server.connect("ana", "/echo", compression=True, wire=Wire()) as ana:
        ana.send("x" * 100_000)
        ana.expect("x" * 100_000)


def test_a_subprotocol_is_offered_and_chosen(server: Server) -> None:
    with server.connect("ana", "/handshake", subprotocols=["v1", "v2"]) as ana:
        assert ana.subprotocol == "v2"
    with server.connect("bo", "/handshake") as bo:
        assert bo.subprotocol is None


def test_a_subprotocol_that_was_not_offered_is_refused() -> None:
    def insist(connection: socket.socket) -> None:
        accept(connection, "Sec-WebSocket-Protocol: v9")
        connection.recv(65536)

    with raw(insist) as port, pytest.raises(Failure) as no:
        Client("ana", port, subprotocols=["v1"])

    assert no.value.got.startswith("an answer that this client refused: ")
    assert "v9" in no.value.got


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("/refuses", "HTTP 403 Forbidden"),
        ("/nowhere", "HTTP 403 Forbidden"),
        ("/denies", "HTTP 401 Unauthorized"),
        ("/crashes", "HTTP 500 Internal Server Error"),
    ],
)
def test_a_refusal_is_told_with_its_status(server: Server, path: str, got: str) -> None:
    wire = Wire()
    with pytest.raises(Failure) as no:
        server.connect("ana", path, wire=wire)

    assert no.value.lines == [
        ("ana sent", f"the handshake, GET {path}"),
        ("ana got", got),
        ("ana expected", "HTTP 101 Switching Protocols"),
    ]
    assert kinds(wire) == ["out request", "in response"]
    assert wire.events[-1].mark == "expected HTTP 101 Switching Protocols"


def test_each_refusal_is_that_of_its_own_client(server: Server) -> None:
    wire = Wire()
    with server.connect("bo", "/echo", wire=wire):
        with pytest.raises(Failure):
            server.connect("ana", "/refuses", wire=wire)
        with server.connect("cy", "/echo", wire=wire):
            pass

    assert [e.client for e in wire if e.mark] == ["ana"]


def test_a_handshake_that_nobody_answers_is_given_up(server: Server) -> None:
    with pytest.raises(Failure) as no:
        server.connect("ana", "/hangs", reply=SHORT)

    assert no.value.silent
    assert no.value.got == "nothing for 0.3 s"


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(Failure) as no:
            Client("ana", taken.getsockname()[1])

    assert no.value.got == "no answer: no server is there"


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n"], ids=["nothing", "nonsense"])
def test_an_answer_that_is_no_http_is_told(answer: bytes) -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with raw(say) as port, pytest.raises(Failure) as no:
        Client("ana", port)

    assert no.value.got == "no answer: the connection ended"


def test_a_server_that_hangs_up_at_once_is_told() -> None:
    def hang_up(connection: socket.socket) -> None:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    told: set[str] = set()
    for _ in range(20):  # before the request is sent, or after
        with raw(hang_up) as port, pytest.raises(Failure) as no:
            Client("ana", port)
        told.add(no.value.got)

    assert told == {"no answer: the connection ended"}


# Several


def test_several_clients_share_one_wire(server: Server) -> None:
    wire = Wire()
    with (
        server.connect("ana", "/echo", wire=wire) as ana,
        server.connect("bo", "/echo", wire=wire) as bo,
    ):
        ana.send("from ana")
        bo.send("from bo")
        bo.expect("from bo")
        ana.expect("from ana")

    assert wire.clients == ["ana", "bo"]
    assert [e.data for e in wire if e.client == "bo" and e.kind == "text"] == [
        "from bo",
        "from bo",
    ]


def test_a_hundred_clients_are_served_at_once(server: Server) -> None:
    wire = Wire()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(server.connect(f"c{n}", "/echo", wire=wire))
            for n in range(100)
        ]
        for n, client in enumerate(clients):
            client.send(str(n))
        for n, client in enumerate(clients):
            client.expect(str(n))

    assert len(wire.clients) == 100
    assert len([event for event in wire if event.kind == "text"]) == 200
    assert [event.number for event in wire] == list(range(len(wire)))
