"""Chapter 2's app on a real uvicorn, looked at after each test that used it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.served import crashes, log_until
from tests.waiting import wait_until
from workbook.server import Server

APP = Path(__file__).parents[2] / "chapters" / "ch02_concurrency" / "app.py"

SHORT = 0.05
"""Seconds between two ticks, where a test needs some."""

LONG = 600.0
"""Seconds between two ticks, where none may come: more than any test takes."""

visits = count(1)


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with Server(APP, constants={"TIME_INTERVAL": LONG}) as server:
        yield server


@pytest.fixture(scope="module")
def running_ticking_server() -> Iterator[Server]:
    with Server(APP, constants={"TIME_INTERVAL": SHORT}) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """The server whose interval is `LONG`."""
    with unharmed(running_server):
        yield running_server


@pytest.fixture
def ticking(running_ticking_server: Server) -> Iterator[Server]:
    """The server whose interval is `SHORT`."""
    with unharmed(running_ticking_server):
        yield running_ticking_server


@contextmanager
def unharmed(server: Server) -> Iterator[None]:
    """Afterwards the server must be well, whatever a client has done."""
    crashed, logged = len(crashes(server)), len(server.log)
    yield
    # It answers, and has met everyone who came before; its reports come by this way.
    log_until(server, visit(server))
    assert crashes(server)[crashed:] == []
    assert all_tasks_ended(server)
    log = log_until(server, visit(server))
    assert "Traceback" not in log[logged:]
    assert "never retrieved" not in log[logged:]


def visit(server: Server) -> str:
    """Be a client like any other; returns the path by which the log knows it."""
    path = f"/ws?visit={next(visits)}"
    with server.connect("late", path) as late:
        late.send("still there?")
        while late.receive() != "Message text was: still there?":
            pass  # a tick
    return path


def all_tasks_ended(server: Server) -> bool:
    """Whether there are as many tasks as before the first client, now or at once."""
    wait_until(lambda: server.tasks() == server.idle_tasks, "no task is left")
    return True
