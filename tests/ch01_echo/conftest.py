"""Chapter 1's app on a real uvicorn, looked at after each test that used it."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.waiting import wait_until
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


def crashes(server: Server) -> list[str]:
    """The exceptions that ended handlers, once every handler has ended."""

    def all_ended() -> bool:
        kinds = Counter(report["is"] for report in server.process.reports)
        return kinds["call"] == kinds["returned"] + kinds["crash"]

    wait_until(all_ended, "every handler has ended")
    reports = [r for r in server.process.reports if r["is"] == "crash"]
    return [f"{report['error']}: {report['text']}" for report in reports]


def log_until(server: Server, path: str) -> str:
    """The log, which comes through a pipe, up to the line with this path."""
    wait_until(lambda: f'{path}"' in server.log, f"{path} is in the log")
    return server.log
