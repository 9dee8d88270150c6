"""Chapter 5's app in several processes, looked at after each test that used it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from tests.served import crashes
from tests.waiting import wait_until
from workbook.broker import shared
from workbook.client import Client
from workbook.link import Link
from workbook.server import Server

APP = Path(__file__).parents[2] / "chapters" / "ch05_redis" / "app.py"
PATIENT = Path(__file__).with_name("patient.py")

DEADLINE = 20.0
"""Seconds for what takes milliseconds, or three seconds at most."""


class Start(Protocol):
    """Starts a process of the app, with the seconds after which Redis is away."""

    def __call__(
        self, url: str, *, answer: float = DEADLINE, patience: float = DEADLINE
    ) -> Server: ...


@pytest.fixture
def link() -> Iterator[Link]:
    """A Redis that can misbehave."""
    with Link(shared()) as link:
        yield link


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process of the app; at the end of the test it must be well."""
    servers: list[Server] = []
    with ExitStack() as ends:

        def start(
            url: str, *, answer: float = DEADLINE, patience: float = DEADLINE
        ) -> Server:
            hurry = {"CHANNEL_ANSWER": str(answer), "CHANNEL_PATIENCE": str(patience)}
            server = Server(PATIENT, env={"REDIS_URL": url, **hurry})
            servers.append(ends.enter_context(server))
            return server

        yield start
        for server in servers:
            assert crashes(server) == []
            server.process.interrupt()
        for server in servers:
            assert server.process.join(DEADLINE) is not None
            wait_for_log("Application shutdown complete.", server)
            server.end()  # when this returns, the last of its log has come
            assert "Traceback" not in server.log, server.log
            assert "never retrieved" not in server.log


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis is not away for a channel in this process that stands still for seconds."""
    monkeypatch.setattr("chapters.ch05_redis.channel.ANSWER", DEADLINE)
    monkeypatch.setattr("chapters.ch05_redis.channel.PATIENCE", DEADLINE)


def health(server: Server) -> dict[str, Any]:
    """What the process says about itself."""
    return httpx.get(f"{server.http}/health", timeout=DEADLINE).json()


def wait_for_redis(state: str, *servers: Server) -> None:
    """Wait until each of them says that Redis is "up", or "away"."""
    for server in servers:
        wait_until(lambda s=server: health(s)["redis"] == state, f"Redis is {state}")


def wait_for_log(line: str, server: Server, count: int = 1) -> None:
    """Wait until it has logged this so often, and not more often.

    The log comes through a pipe, and so after what the process has sent.
    """
    wait_until(lambda: server.log.count(line) >= count, f"{count} times {line!r}")
    assert server.log.count(line) == count


def said(username: str, message: str) -> dict[str, str]:
    """What the others receive."""
    return {"username": username, "message": message}


def hears_nothing(client: Client, speaker: Client) -> None:
    """Whatever came to this client before what the speaker says now was too much."""
    speaker.send("that was all")
    client.expect_json(said("Anonymous", "that was all"))
