"""What happens when a server closes with what may not be sent.

The client sees 1006, as if the server had died; the reason is only in its log.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ch03_dependencies.conftest import DEADLINE
from tests.waiting import wait_until
from workbook.server import Server

APP = Path(__file__).with_name("apps") / "closing.py"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(APP) as server:
        yield server


@pytest.mark.parametrize("code", [1000, 1003, 1008, 1011, 3000, 4000, 4401, 4999])
def test_a_code_that_may_be_sent_arrives(server: Server, code: int) -> None:
    with server.connect("ana", f"/{code}?reason=because") as ana:
        ana.expect_close(code, "because")


# RFC 6455 section 7.4: 1005, 1006 and 1015 stand for a close that no frame said;
# below 1000 there is nothing, and above 4999 neither.
@pytest.mark.parametrize("code", [0, 200, 401, 404, 999, 1004, 1005, 1006, 1015, 5000])
def test_a_code_that_may_not_be_sent_is_1006(server: Server, code: int) -> None:
    error = crash(server, f"/{code}")

    assert error == "ProtocolError: invalid status code"


def test_a_reason_of_123_bytes_arrives(server: Server) -> None:
    reason = "x" * 121 + "é"
    assert len(reason.encode()) == 123

    with server.connect("ana", f"/1008?reason={'x' * 121}%C3%A9") as ana:
        ana.expect_close(1008, reason)


@pytest.mark.parametrize("reason", ["x" * 124, "x" * 122 + "%C3%A9", "x" * 5000])
def test_a_longer_reason_is_1006(server: Server, reason: str) -> None:
    error = crash(server, f"/1008?reason={reason}")

    assert error == "ProtocolError: control frame too long"


def crash(server: Server, path: str) -> str:
    """Be closed by the app; returns the error that ended its handler."""
    logged = len(server.log)
    with server.connect("ana", path) as ana:
        ana.expect_close(1006)
        report = server.process.await_report(
            lambda r: r["is"] == "crash" and r["port"] == ana.port, DEADLINE
        )
    assert report is not None
    error = f"{report['error']}: {report['text']}"
    # And the traceback of it is in the log, which comes through a pipe.
    wait_until(lambda: f"{error}\n" in server.log[logged:], "the error is logged")
    traceback = server.log[logged:].partition(f"{error}\n")[0]
    assert "Traceback (most recent call last)" in traceback
    assert "await websocket.close(code, reason)" in traceback
    return error
