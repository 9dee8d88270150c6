"""What handshakes, dependencies and sockets do that people do not expect."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.waiting import DEADLINE, wait_until
from workbook.server import Server

APPS = Path(__file__).with_name("apps")


@pytest.fixture(scope="module")
def accepting() -> Iterator[Server]:
    with Server(APPS / "accepting.py") as server:
        yield server


@pytest.fixture(scope="module")
def holding() -> Iterator[Server]:
    with Server(APPS / "holding.py") as server:
        yield server


def opened(server: Server) -> list[str]:
    """What is held open now."""
    return httpx.get(f"{server.http}/opened", timeout=DEADLINE).json()


def test_a_token_in_the_query_is_in_the_log(accepting: Server) -> None:
    with accepting.connect("ana", "/query?token=canary-5e1d") as ana:
        ana.expect_close(1000, "a token of 11 characters")

    line = '"WebSocket /query?token=canary-5e1d" [accepted]'
    wait_until(lambda: line in accepting.log, "the handshake is logged")


def test_a_token_in_a_cookie_is_not_in_the_log(accepting: Server) -> None:
    headers = {"Cookie": "token=canary-93b7"}
    with accepting.connect("ana", "/query?visit=1", headers=headers) as ana:
        ana.expect_close(1000)

    wait_until(lambda: "visit=1" in accepting.log, "the handshake is logged")
    assert "canary-93b7" not in accepting.log


@pytest.mark.parametrize(
    ("path", "offered", "chosen"),
    [
        ("/silent", ["chat"], None),
        ("/choosing", ["chat", "v2"], "chat"),
        ("/choosing", ["v2"], None),
        ("/choosing", None, None),
    ],
)
def test_a_subprotocol_is_in_use_when_the_server_says_so(
    accepting: Server, path: str, offered: list[str] | None, chosen: str | None
) -> None:
    # A browser closes when none of what it offered comes back; programs do not.
    with accepting.connect("ana", path, subprotocols=offered) as ana:
        ana.expect_close(1000)

    named = {name.lower(): value for name, value in ana.headers.items()}
    assert named.get("sec-websocket-protocol") == chosen


@pytest.mark.parametrize("path", ["/dependency", "/function"])
def test_what_a_dependency_yields_is_held_as_long_as_the_socket(
    holding: Server, path: str
) -> None:
    with holding.connect("ana", path) as ana, holding.connect("bo", path) as bo:
        for client in (ana, bo):
            client.send("hello")
            client.expect("hello")
        # Both have been answered, and both sit idle.
        assert opened(holding) == ["socket", "socket"]

    wait_until(lambda: opened(holding) == [], "both have been given back")


def test_what_is_opened_for_each_message_is_not_held(holding: Server) -> None:
    with holding.connect("ana", "/message") as ana:
        ana.send("hello")
        ana.expect("hello ['message']")
        ana.send("again")
        ana.expect("again ['message']")

        wait_until(lambda: opened(holding) == [], "it has been given back")


def test_a_background_task_of_a_socket_never_runs(holding: Server) -> None:
    with holding.connect("ana", "/background") as ana:
        ana.expect_close(1000)

    def done() -> list[str]:
        return httpx.get(f"{holding.http}/done", timeout=DEADLINE).json()

    wait_until(lambda: "by HTTP" in done(), "a task of a request has run")
    assert "by WebSocket" not in done()
