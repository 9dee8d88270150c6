"""Chapter 1's app on a real uvicorn, looked at after each test that used it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.served import crashes, log_until
from workbook.server import Server

APP = Path(__file__).parents[2] / "chapters" / "ch01_echo" / "app.py"

visits = count(1)


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with Server(APP) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """The server; after the test it must be well, whatever a client has done."""
    crashed, logged = len(crashes(running_server)), len(running_server.log)
    yield running_server
    # It answers, and has met everyone who came before; its reports come by this way.
    log_until(running_server, visit(running_server))
    assert crashes(running_server)[crashed:] == []
    log = log_until(running_server, visit(running_server))
    assert "Traceback" not in log[logged:]


def visit(server: Server) -> str:
    """Be a client like any other; returns the path by which the log knows it."""
    path = f"/ws?visit={next(visits)}"
    with server.connect("late", path) as late:
        late.send("still there?")
        late.expect("Message text was: still there?")
    return path
