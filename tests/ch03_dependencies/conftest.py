"""Chapter 3's app on a real uvicorn, looked at after each test that used it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.served import crashes, log_until
from workbook.server import Server

APP = Path(__file__).parents[2] / "chapters" / "ch03_dependencies" / "app.py"
COOKIE = {"Cookie": "token=SECRET_API_TOKEN"}

DEADLINE = 20.0
"""Seconds until what a client did has ended on the server's side, too."""

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
    assert "Traceback" not in log_until_now(running_server)[logged:]
    assert crashes(running_server)[crashed:] == []


def log_until_now(server: Server) -> str:
    """The log up to the line about a visit that is made now."""
    path = f"/ws?visit={next(visits)}"
    with server.connect("late", path, headers=COOKIE) as late:
        late.expect("Hello, Anonymous!")
    return log_until(server, path)
