"""What a check says: the rows of a message, and the names of what went by."""

from dataclasses import replace

import pytest

from workbook.child import OTHERS_KEPT, Learner
from workbook.diagnosis import own_up
from workbook.failure import (
    Failure,
    Line,
    name,
    name_close,
    name_status,
    quote,
)
from workbook.wire import Direction, Event, Kind, Wire


def event(
    kind: Kind,
    data: str | bytes | None = None,
    code: int | None = None,
    direction: Direction = "in",
) -> Event:
    return Event(0.0, "ana", direction, kind, data, code)


@pytest.mark.parametrize(
    ("data", "quoted"),
    [
        ("hello", 'text "hello"'),
        ("", 'text "" (empty)'),
        ("  ", 'text "  "'),
        ("Grüße", 'text "Grüße"'),
        ('{"a": 1}', "text '{\"a\": 1}'"),
        ("it's", 'text "it\'s"'),
        ('"it\'s"', 'text "\\"it\'s\\""'),
        ("a\nb\x00\x1b[31m", r'text "a\nb\x00\x1b[31m"'),
        ("\ud800", r'text "\ud800"'),
        ("你e\u0301", r'text "\u4f60e\u0301"'),
        ("a\\b", r'text "a\\b"'),
        ("x" * 41, f'text "{"x" * 40}"… (41 characters)'),
        ("x" * 40, f'text "{"x" * 40}"'),
        ("x" * 1_000_000, f'text "{"x" * 40}"… (1,000,000 characters)'),
        (b"", "binary, 0 bytes"),
        (b"\x00", "binary, 1 byte: 00"),
        (b"hello", "binary, 5 bytes: 68 65 6c 6c 6f"),
        (b"x" * 12, f"binary, 12 bytes: {'78 ' * 11}78"),
        (b"x" * 13, f"binary, 13 bytes: {'78 ' * 11}78 …"),
    ],
)
def test_a_message_is_quoted_so_that_kind_and_size_are_seen(
    data: str | bytes, quoted: str
) -> None:
    assert quote(data) == quoted


@pytest.mark.parametrize(
    ("code", "reason", "named"),
    [
        (1000, "", "close 1000 normal closure"),
        (1003, "text only", 'close 1003 unsupported data, "text only"'),
        (3000, "", "close 3000 registered"),
        (3999, "", "close 3999 registered"),
        (4000, "", "close 4000 the app's own"),
        (4999, "", "close 4999 the app's own"),
        (5000, "", "close 5000"),
        (2999, "", "close 2999"),
        (None, "", "close without a code (1005)"),
    ],
)
def test_a_close_code_has_a_name(code: int | None, reason: str, named: str) -> None:
    assert name_close(code, reason) == named


def test_a_close_without_a_reason_is_told_without_one() -> None:
    assert name_close(1000) == "close 1000 normal closure"


def test_a_failure_is_an_exception_that_holds_what_it_tells() -> None:
    failure = Failure(who="ana", got="nothing", expected="something")

    assert failure.args == ("ana", "nothing", "something")


def test_a_status_has_its_phrase_where_it_has_one() -> None:
    assert name_status(101) == "HTTP 101 Switching Protocols"
    assert name_status(599) == "HTTP 599"


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        (event("request", "/ws?a=1", direction="out"), "GET /ws?a=1"),
        (event("request", b"no path", direction="out"), "GET /"),
        (event("response", code=403), "HTTP 403 Forbidden"),
        (event("text", "hi"), 'text "hi"'),
        (event("text"), 'text "" (empty)'),
        (event("binary", b"hi"), "binary, 2 bytes: 68 69"),
        (event("ping", b"x"), "ping"),
        (event("pong", b"x"), "pong"),
        (event("close", "bye", 1000), 'close 1000 normal closure, "bye"'),
        (event("close", b"no reason", 1000), "close 1000 normal closure"),
        (event("end"), "the connection ended without a close frame (1006)"),
        (event("missing"), "nothing"),
        (event("found"), "what was found here"),
        (replace(event("found"), mark="no more"), "no more"),
        (event("redis"), ""),
        (event("redis", 'chat "hi"'), 'chat "hi"'),
        (event("stall"), "reads nothing from here on"),
        (event("stall", "reads on"), "reads on"),
    ],
)
def test_every_event_has_a_name(seen: Event, named: str) -> None:
    assert name(seen) == named


def test_a_failure_tells_what_it_knows_and_no_more() -> None:
    bare = Failure(who="ana", got="nothing", expected="something")
    full = Failure(
        who="ana",
        sent='text "hello"',
        got='text "hello"',
        expected='text "HELLO"',
        where=Line("/home/me/ex1.py", 30, "    await send(text)"),
        hint="In capitals.",
    )

    assert bare.lines == [("ana got", "nothing"), ("ana expected", "something")]
    assert str(full).splitlines() == [
        'ana sent      text "hello"',
        'ana got       text "hello"',
        'ana expected  text "HELLO"',
        "look at       ex1.py:30  await send(text)",
        "hint          In capitals.",
    ]


def test_who_no_client_spoke_for_has_no_name_in_its_rows() -> None:
    failure = Failure(who="", action="called", sent="f(1)", got="2", expected="3")

    assert [label for label, _ in failure.lines] == ["called", "got", "expected"]


def test_a_failure_takes_the_learners_frames_from_a_crash() -> None:
    failure = Failure(who="", got="", expected="an app")

    failure.blame(
        {
            "error": "KeyError",
            "text": "'text'",
            "frames": [
                ["/x/main.py", 1, "f", "f()"],
                ["/x/ex.py", 3, "f", "g()"],
                ["C:\\x\\ex.py", 9, "g", "m['text']"],
            ],
        }
    )

    assert failure.got == "KeyError: 'text'"
    assert str(failure.where) == "ex.py:9  m['text']"
    assert failure.trace == [
        "main.py:1  f()",
        "ex.py:3  g()",
        "ex.py:9  m['text']",
        "KeyError: 'text'",
    ]


def test_a_crash_without_a_text_or_frames_is_told_by_its_name() -> None:
    failure = Failure(who="", got="", expected="an app")

    failure.blame({"error": "SystemExit", "text": "", "frames": []})

    assert (failure.got, failure.where) == ("SystemExit", None)
    assert failure.trace == ["SystemExit"]


@pytest.mark.parametrize(
    ("others", "named"),
    [
        (["ValueError: no"], "in the group: ValueError: no"),
        (["A: x", "B"], "2 more in the group: A: x; B"),
        (["A: x", "B", "A: x"], "3 more in the group: A: x (2 times); B"),
    ],
)
def test_the_other_errors_of_a_group_are_counted_and_named(
    others: list[str], named: str
) -> None:
    failure = Failure(who="ana", got="", expected="an app")

    failure.locate({"error": "KeyError", "text": "", "frames": [], "others": others})

    assert ("also", named) in failure.lines


def test_of_a_group_the_first_is_told_and_the_others_are_named() -> None:
    inner = ExceptionGroup("inner", [KeyError("a"), ValueError()])
    error = ExceptionGroup("outer", [inner, OSError("no")])

    told = Learner(__file__).crash(error)

    assert (told["error"], told["text"]) == ("KeyError", "'a'")
    assert told["others"] == ["ValueError", "OSError: no"]


def test_an_exception_by_itself_has_no_others() -> None:
    assert Learner(__file__).crash(KeyError("a"))["others"] == []


def test_of_a_huge_group_some_are_named() -> None:
    error = ExceptionGroup("", [ValueError("x" * 1000)] * 100_000)

    others = Learner(__file__).crash(error)["others"]

    assert isinstance(others, list)
    assert len(others) == OTHERS_KEPT
    assert max(map(len, others)) <= 200


# Who sent what


def row(sent: str, *said: tuple[str, str]) -> str | None:
    """The row about what bo sent, where so much was said, and bo expected "two"."""
    failure = Failure("bo", "nothing for 5 s", 'text "two"', sent=sent)
    wire = Wire()
    for client, text in said:
        wire.record(client, "out", "text", text)
    own_up(failure, wire)
    return failure.sent


def test_who_has_said_something_is_not_told_to_have_said_nothing() -> None:
    told = 'nothing; ana sent text "two"'

    assert row(told, ("ana", "two")) == told
    assert row(told, ("bo", "one"), ("ana", "two")) == 'text "one"; ana sent text "two"'


def test_who_only_listens_is_told_what_another_said() -> None:
    handshake = "the handshake, GET /ws"

    assert row(handshake, ("ana", "two")) == 'nothing; ana sent text "two"'
    assert row(handshake, ("ana", "one")) == handshake
    assert row(handshake, ("bo", "two")) == handshake
    assert row('text "two"', ("bo", "two"), ("ana", "two")) == 'text "two"'
