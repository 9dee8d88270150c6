"""Cases of the Autobahn|Testsuite against /ws/raw, re-created over raw sockets.

The whole suite needs a Python 2.7: `python tests/ch01_echo/autobahn.py`.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.ch01_echo import autobahn
from tests.ch01_echo.autobahn import COUNT, surprises
from tests.ch01_echo.deviations import (
    DEVIATIONS,
    INFORMATIONAL,
    NON_STRICT,
    OK,
    WRONG_CODE,
    Outcome,
)
from tests.ch01_echo.raw import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Frame,
    RawClient,
    close,
    fragments,
    frame,
)
from workbook.server import Server

pytestmark = pytest.mark.xdist_group("ch01 conformance")  # one server for all of them

NORMAL, PROTOCOL_ERROR, INVALID_DATA = 1000, 1002, 1007

STARS = b"*" * 65536
UTF8 = "Hello-µ@ßöäüàá-UTF-8!!".encode()
BAD_UTF8 = "κόσμε".encode() + b"\xed\xa0\x80" + b"edited"


class Conversation(NamedTuple):
    """What to send, in chops of how many bytes, and what must come back."""

    number: str
    about: str
    sent: bytes
    answers: list[Frame]
    chop: int | None = None


class Ending(NamedTuple):
    """What to send, and the code of the close that must be all that comes back."""

    number: str
    about: str
    sent: bytes
    code: int | None


ANSWERED = [
    Conversation("1.1.1", "an empty text", frame(TEXT), [Frame(TEXT)]),
    Conversation(
        "1.1.6",
        "a text of 65,535 bytes, the most for a length of 16 bits",
        frame(TEXT, STARS[1:]),
        [Frame(TEXT, STARS[1:])],
    ),
    Conversation(
        "1.1.8",
        "a text of 65,536 bytes in chops",
        frame(TEXT, STARS),
        [Frame(TEXT, STARS)],
        chop=997,
    ),
    Conversation("1.2.1", "an empty binary message", frame(BINARY), [Frame(BINARY)]),
    Conversation(
        "1.2.7",
        "a binary message of 65,536 bytes, none of them UTF-8",
        frame(BINARY, b"\xfe" * 65536),
        [Frame(BINARY, b"\xfe" * 65536)],
    ),
    Conversation(
        "2.4",
        "a ping with the most it may carry",
        frame(PING, b"\xfe" * 125),
        [Frame(PONG, b"\xfe" * 125)],
    ),
    Conversation(
        "2.9",
        "a pong that nobody asked for, then a ping",
        frame(PONG, b"unsolicited") + frame(PING, b"ping payload"),
        [Frame(PONG, b"ping payload")],
    ),
    Conversation(
        "5.8",
        "a ping between two fragments, byte by byte",
        frame(TEXT, b"fragment1", fin=False)
        + frame(PING, b"ping payload")
        + frame(CONT, b"fragment2"),
        [Frame(PONG, b"ping payload"), Frame(TEXT, b"fragment1fragment2")],
        chop=1,
    ),
    Conversation(
        "6.1.2", "three empty fragments", fragments(TEXT, b"", b"", b""), [Frame(TEXT)]
    ),
    Conversation(
        "6.2.3",
        "a fragment for each byte, some of them within a character",
        fragments(TEXT, *(UTF8[i : i + 1] for i in range(len(UTF8)))),
        [Frame(TEXT, UTF8)],
    ),
    Conversation(
        "10.1.1",
        "a text of 65,536 bytes in fragments of 1,300",
        fragments(TEXT, *(STARS[i : i + 1300] for i in range(0, 65536, 1300))),
        [Frame(TEXT, STARS)],
    ),
]

ENDED = [
    Ending("2.5", "a ping with 126 bytes", frame(PING, bytes(126)), PROTOCOL_ERROR),
    Ending("3.1", "a reserved bit", frame(TEXT, b"Hello", rsv=1), PROTOCOL_ERROR),
    Ending("4.1.1", "opcode 3, reserved for data", frame(3), PROTOCOL_ERROR),
    Ending("4.2.1", "opcode 11, reserved for control", frame(11), PROTOCOL_ERROR),
    Ending(
        "5.1", "a ping in two fragments", fragments(PING, b"1", b"2"), PROTOCOL_ERROR
    ),
    Ending("5.9", "the continuation of nothing", frame(CONT, b"2"), PROTOCOL_ERROR),
    Ending(
        "5.18",
        "a text within a fragmented text",
        frame(TEXT, b"1", fin=False) + frame(TEXT, b"2"),
        PROTOCOL_ERROR,
    ),
    Ending(
        "6.3.1",
        "a text that is not UTF-8",
        frame(TEXT, BAD_UTF8),
        INVALID_DATA,
    ),
    Ending("6.20.1", "a surrogate", frame(TEXT, b"\xed\xa0\x80"), INVALID_DATA),
    Ending("7.1.3", "a ping after the close", close(NORMAL) + frame(PING), NORMAL),
    Ending("7.3.1", "a close without a code", frame(CLOSE), None),
    Ending("7.3.2", "a close with half a code", frame(CLOSE, b"a"), PROTOCOL_ERROR),
    Ending("7.5.1", "a reason not in UTF-8", close(NORMAL, BAD_UTF8), INVALID_DATA),
    Ending("7.7.13", "the highest code there is", close(4999), 4999),
    Ending("7.9.5", "a code that must not be sent", close(1006), PROTOCOL_ERROR),
]


@pytest.fixture
def ana(server: Server) -> Iterator[RawClient]:
    with RawClient(server.port, "/ws/raw") as ana:
        assert ana.response() == 101
        yield ana


def close_code(received: Frame) -> int | None:
    assert received.opcode == CLOSE
    return int.from_bytes(received.payload[:2]) if received.payload else None


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.number)
def test_it_is_answered_and_the_goodbye_too(ana: RawClient, case: Conversation) -> None:
    ana.send(case.sent, case.chop)
    for answer in case.answers:
        assert ana.receive() == answer, case.about

    ana.send(close(NORMAL))
    assert [close_code(received) for received in ana.receive_all()] == [NORMAL]


@pytest.mark.parametrize("case", ENDED, ids=lambda case: case.number)
def test_a_close_is_all_that_comes(ana: RawClient, case: Ending) -> None:
    ana.send(case.sent)

    codes = [close_code(received) for received in ana.receive_all()]
    assert codes == [case.code], case.about


# The deviations, as deviations.py explains them.


def test_case_3_2_drops_a_message_that_came_with_the_bad_frame(ana: RawClient) -> None:
    ana.send(frame(TEXT, b"good") + frame(TEXT, b"bad", rsv=2) + frame(PING))

    codes = [close_code(received) for received in ana.receive_all()]
    assert codes == [PROTOCOL_ERROR]


def test_case_3_2_answers_a_message_that_came_before_it(ana: RawClient) -> None:
    ana.send(frame(TEXT, b"good"))
    assert ana.receive() == Frame(TEXT, b"good")

    ana.send(frame(TEXT, b"bad", rsv=2) + frame(PING))
    codes = [close_code(received) for received in ana.receive_all()]
    assert codes == [PROTOCOL_ERROR]


def test_case_6_4_1_is_refused_only_at_its_end(ana: RawClient) -> None:
    ana.send(frame(TEXT, "κόσμε".encode(), fin=False))
    ana.send(frame(CONT, b"\xf4\x90\x80\x80", fin=False) + frame(PING))
    assert ana.receive() == Frame(PONG)

    ana.send(frame(CONT, b"edited"))
    codes = [close_code(received) for received in ana.receive_all()]
    assert codes == [INVALID_DATA]


def test_case_7_1_5_gets_1002_for_a_close_between_fragments(ana: RawClient) -> None:
    first, last = frame(TEXT, b"fragment1", fin=False), frame(CONT, b"fragment2")
    ana.send(first + close(NORMAL) + last)

    codes = [close_code(received) for received in ana.receive_all()]
    assert codes == [PROTOCOL_ERROR]


# What the maintainer's command makes of the suite's report.


@pytest.fixture
def outcomes() -> dict[str, Outcome]:
    """A report in which everything is as it was listed."""
    plain = {f"1.1.{number}": OK for number in range(COUNT - len(DEVIATIONS))}
    listed = {case: min(deviation.outcomes) for case, deviation in DEVIATIONS.items()}
    return plain | listed


def test_what_is_listed_is_no_surprise(outcomes: dict[str, Outcome]) -> None:
    assert surprises(outcomes, "INFO: all is well") == []


def test_only_7_1_5_is_listed_as_failed() -> None:
    good = {OK, NON_STRICT, INFORMATIONAL}

    failed = [case for case, each in DEVIATIONS.items() if each.outcomes - good]
    assert failed == ["7.1.5"]


def test_an_unlisted_failure_is_a_surprise(outcomes: dict[str, Outcome]) -> None:
    outcomes["1.1.1"] = WRONG_CODE

    assert surprises(outcomes, "") == [
        "Case 1.1.1: FAILED / WRONG CODE, listed OK / OK."
    ]


def test_another_outcome_than_the_listed_is_a_surprise(
    outcomes: dict[str, Outcome],
) -> None:
    outcomes["7.1.5"] = OK  # good news, and the table is to be told

    assert surprises(outcomes, "") == [
        "Case 7.1.5: OK / OK, listed FAILED / WRONG CODE."
    ]


def test_a_missing_case_is_a_surprise(outcomes: dict[str, Outcome]) -> None:
    del outcomes["1.1.1"]

    assert surprises(outcomes, "") == [f"{COUNT - 1} cases were run, not {COUNT}."]


def test_a_traceback_in_the_log_is_a_surprise(outcomes: dict[str, Outcome]) -> None:
    log = "ERROR: oh\nTraceback (most recent call last):\n"

    assert surprises(outcomes, log) == ["Tracebacks in the server's log: 1."]


def test_without_a_python_2_7_the_command_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autobahn, "pythons", lambda: iter([sys.executable]))

    with pytest.raises(SystemExit, match=r"needs a Python 2\.7 with pip"):
        autobahn.main()
