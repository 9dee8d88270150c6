"""Chapter 1's app survives everything a client can do.

After each test the fixture `server` looks whether every handler has ended without an
exception, the log shows no traceback, and the next client is answered.
"""

from contextlib import ExitStack

import httpx
import pytest

from tests.ch01_echo.raw import (
    BINARY,
    CLOSE,
    TEXT,
    Frame,
    RawClient,
    close,
    frame,
)
from tests.conftest import Promise
from tests.waiting import DEADLINE, wait_until
from workbook.server import Server

pytestmark = pytest.mark.xdist_group("ch01 app")  # one server for all of them

MIB = 1 << 20
LIMIT = 16 * MIB
"""uvicorn's default for `ws_max_size`, in bytes."""


def test_the_page_is_html(server: Server) -> None:
    response = httpx.get(server.http, timeout=DEADLINE)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in response.text.lower()


@pytest.mark.parametrize("path", ["/ws", "/ws/raw"])
def test_a_plain_request_to_the_socket_gets_404(server: Server, path: str) -> None:
    assert httpx.get(server.http + path, timeout=DEADLINE).status_code == 404


def test_a_handshake_with_a_wrong_path_gets_403(server: Server) -> None:
    with RawClient(server.port, "/wss") as ana:
        assert ana.response() == 403


def test_texts_are_answered_in_order(server: Server) -> None:
    texts = [f"message {number}" for number in range(200)]

    with server.connect("ana") as ana:
        for text in texts:
            ana.send(text)
        for text in texts:
            ana.expect(f"Message text was: {text}")


@pytest.mark.parametrize(
    "text",
    ["", " ", "Grüße, 👋🏽!", "\0", "two\nlines", r"\ud800", "x" * MIB],
    ids=["empty", "space", "unicode", "nul", "lines", "surrogate escape", "1 MiB"],
)
def test_any_text_is_answered(server: Server, text: str) -> None:
    with server.connect("ana", compression=True) as ana:
        ana.send(text)
        ana.expect(f"Message text was: {text}")
        ana.send("and on")
        ana.expect("Message text was: and on")


@pytest.mark.parametrize("data", [b"", b"bytes"], ids=["empty", "not empty"])
def test_a_binary_message_is_refused_with_1003(server: Server, data: bytes) -> None:
    with server.connect("ana") as ana:
        ana.send("text first")
        ana.expect("Message text was: text first")
        ana.send(data)
        ana.expect_close(1003, "this socket takes text only")


def test_what_follows_a_binary_message_is_not_answered(server: Server) -> None:
    with RawClient(server.port, "/ws") as ana:
        assert ana.response() == 101
        ana.send(frame(BINARY, b"bytes") + frame(TEXT, b"text"))
        assert ana.receive() == Frame(CLOSE, b"\x03\xebthis socket takes text only")

        ana.send(close(1003))
        assert ana.receive() is None


@pytest.mark.parametrize("path", ["/ws", "/ws/raw"])
def test_a_surrogate_in_utf8_is_refused_with_1007(server: Server, path: str) -> None:
    with RawClient(server.port, path) as ana:
        assert ana.response() == 101
        ana.send(frame(TEXT, b"\xed\xa0\x80"))

        assert list(ana.receive_all()) == [Frame(CLOSE, (1007).to_bytes(2))]


@pytest.mark.parametrize("path", ["/ws", "/ws/raw"])
def test_a_message_over_the_limit_is_refused_with_1009(
    server: Server, path: str
) -> None:
    with RawClient(server.port, path) as ana:
        assert ana.response() == 101
        # The header alone: the server need not see the rest to refuse it.
        ana.send(frame(TEXT, length=LIMIT + 1))

        answer = ana.receive()
        assert answer is not None
        assert answer.opcode == CLOSE
        assert int.from_bytes(answer.payload[:2]) == 1009
        assert ana.receive() is None


def test_a_goodbye_is_answered(server: Server) -> None:
    with RawClient(server.port, "/ws") as ana:
        assert ana.response() == 101
        ana.send(close(4321, b"bye"))

        assert list(ana.receive_all()) == [Frame(CLOSE, b"\x10\xe1bye")]


def test_a_client_may_vanish_before_it_is_accepted(server: Server) -> None:
    for _ in range(20):
        RawClient(server.port, "/ws").reset()


def test_a_client_may_vanish_while_idle(server: Server) -> None:
    ana = server.connect("ana")
    ana.send("one")
    ana.expect("Message text was: one")
    ana.abort()


def test_a_client_may_vanish_in_the_middle_of_a_frame(server: Server) -> None:
    ana = RawClient(server.port, "/ws")
    assert ana.response() == 101
    ana.send(frame(TEXT, b"half of it", length=20))
    ana.reset()


@pytest.mark.parametrize("path", ["/ws", "/ws/raw"])
def test_a_client_may_vanish_while_the_server_sends(server: Server, path: str) -> None:
    ana = RawClient(server.port, path, buffer=4096)
    assert ana.response() == 101
    # More than the kernel keeps for a client that does not read; the answer to the
    # second message then has to wait.
    ana.send(frame(TEXT, b"x" * 8 * MIB) + frame(TEXT, b"second"))
    wait_until(
        lambda: any("send_text" in line.code for line in server.waiting()),
        "the handler waits in send_text",
    )
    ana.reset()


def test_a_hundred_clients_get_every_answer_once_and_in_order(
    server: Server, promise: Promise
) -> None:
    texts = [f"text {number}" for number in range(10)]
    with ExitStack() as stack:
        people = [
            stack.enter_context(server.connect(f"client {n}")) for n in range(100)
        ]
        for text in texts:
            for client in people:
                client.send(text)
        for client in people:
            for text in texts:
                client.expect(f"Message text was: {text}")
            client.send("last")
            client.expect("Message text was: last")  # so nothing came twice

    count = f"{len(people)} clients, {len(people) * len(texts):,} texts at once"
    promise(f"chapter 1: {count}: 0 lost, 0 doubled, 0 out of order")


def test_a_hundred_clients_may_vanish_at_once(server: Server) -> None:
    clients = [RawClient(server.port, "/ws") for _ in range(100)]
    for client in clients:
        assert client.response() == 101
        client.send(frame(TEXT, b"never read"))
    for client in clients:
        client.reset()
