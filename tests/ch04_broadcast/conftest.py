"""Chapter 4's app on a real uvicorn, looked at after each test that used it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.served import crashes, log_until
from tests.waiting import wait_until
from workbook.server import Server

APP = Path(__file__).parents[2] / "chapters" / "ch04_broadcast" / "app.py"
HELD_APP = Path(__file__).with_name("held_app.py")

visits = count(1)


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with Server(HELD_APP) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """The server, with nobody in the room."""
    with unharmed(running_server):
        yield running_server
        wait_until(lambda: held(running_server, "members") == 0, "all have left")


def held(server: Server, what: str) -> int:
    """How many "members" the room holds, or "objects" the process."""
    return httpx.get(f"{server.http}/{what}", timeout=30).json()


@contextmanager
def unharmed(server: Server) -> Iterator[None]:
    """Afterwards the server must be well, whatever a client has done."""
    crashed, logged = len(crashes(server)), len(server.log)
    yield
    log = log_until(server, visit(server))
    assert crashes(server)[crashed:] == []
    wait_until(lambda: server.tasks() == server.idle_tasks, "no task is left")
    assert "Traceback" not in log[logged:]
    assert "never retrieved" not in log[logged:]


def visit(server: Server) -> str:
    """Be two clients like any other; returns the path by which the log knows one."""
    path = f"/ws?username=visit{next(visits)}"
    with server.connect("late", path) as late, server.connect("later") as later:
        late.send("still there?")
        later.expect_json({"username": path[13:], "message": "still there?"})
    return path
