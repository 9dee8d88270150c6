"""The verdict on one file: what is counted, what is told, and when it is not ok."""

import json
import re
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from tests.steady import SteadyWire
from tests.synthetic import SHOUT, write_course
from workbook import checks, terminal
from workbook.checks import LAST, Verdict
from workbook.course import Exercise
from workbook.diagnosis import mark_fate
from workbook.failure import Failure, Line, quote
from workbook.misconceptions import Evidence, recognise
from workbook.process import Process
from workbook.wire import Direction, Kind, Wire

SHOUTING = Path(__file__).parent / "hostile" / "shouting.py"

DOUBLE = "def double(number: int) -> int:\n    return number * 2\n"


@pytest.fixture
def shout(tmp_path: Path) -> Exercise:
    return write_course(tmp_path, SHOUT, "ex1_shout", "ex2_double")[0]


@pytest.fixture
def double(tmp_path: Path) -> Exercise:
    return write_course(tmp_path, SHOUT, "ex1_shout", "ex2_double")[1]


def judged(exercise: Exercise, source: str) -> Verdict:
    exercise.path.write_text(source)
    return checks.run(exercise)


def told(verdict: Verdict) -> dict[str, str]:
    assert verdict.failure is not None
    return dict(verdict.failure.lines)


def test_a_right_answer_passes_every_check(shout: Exercise) -> None:
    verdict = checks.run(shout, SHOUTING)

    assert verdict.ok
    assert verdict.passed == ["it shouts", "it shouts again"]
    assert (verdict.total, verdict.failed, verdict.failure) == (2, None, None)
    assert verdict.wire.clients == ["ana"]  # the record of the last check
    assert verdict.file == SHOUTING


def test_the_first_check_that_fails_ends_it(shout: Exercise) -> None:
    source = SHOUTING.read_text().replace("text.upper()", "'HELLO'")

    verdict = judged(shout, source)

    assert not verdict.ok
    assert (verdict.passed, verdict.failed, verdict.total) == ([], "it shouts", 2)
    assert told(verdict) == {
        "ana sent": 'text "goodbye"',
        "ana got": 'text "HELLO"',
        "ana expected": 'text "GOODBYE"',
        "look at": "ex1_shout.py:31  await websocket.send_text('HELLO')",
    }
    assert [event.mark for event in verdict.wire if event.mark] == [
        'expected text "GOODBYE"'
    ]


def test_what_passed_before_the_first_failure_is_counted(shout: Exercise) -> None:
    source = SHOUTING.read_text().replace(
        "await texted(websocket)", "seen.append(text)"
    )
    source = source.replace("text.upper()", "text.upper() if len(seen) < 5 else text")

    verdict = judged(shout, f"seen = []\n{source}")

    assert not verdict.ok
    assert (verdict.passed, verdict.failed) == (["it shouts"], "it shouts again")


def test_a_function_is_judged_by_value_and_type(double: Exercise) -> None:
    assert judged(double, DOUBLE).ok
    for wrong, got in [("number * 2.0", "4.0"), ("'4'", "'4'"), ("True", "True")]:
        verdict = judged(double, DOUBLE.replace("number * 2", wrong))
        assert not verdict.ok
        rows = told(verdict)
        assert [rows[key] for key in ("called", "got", "expected")] == [
            "double(2)",
            got,
            "4",
        ]


@pytest.mark.parametrize(
    ("source", "got", "look_at"),
    [
        (
            "def triple(number):\n    return 6\n\nVALUE = 5\n",
            "no such function in ex2_double.py; there are: triple",
            None,
        ),
        (
            "def double():\n    return 4\n",
            "TypeError: double() takes 0 positional arguments but 1 was given",
            "ex2_double.py:2  return 4",
        ),
        (
            "def double(number):\n    return number.wide\n",
            "AttributeError: 'int' object has no attribute 'wide'",
            "ex2_double.py:2  return number.wide",
        ),
    ],
    ids=["missing", "signature", "raises"],
)
def test_a_function_that_cannot_be_called_is_told(
    double: Exercise, source: str, got: str, look_at: str | None
) -> None:
    rows = told(judged(double, source))

    assert rows["got"] == got
    assert rows.get("look at") == look_at


def test_of_two_lines_that_may_have_ended_it_none_is_blamed(double: Exercise) -> None:
    exits = "import os\n\ndef double(number):\n    os._exit(number)\n"

    one = told(judged(double, exits))
    two = told(judged(double, f"{exits}    os._exit(0)\n"))

    assert one["got"] == "no more: your program ended by itself (exit status 2)"
    assert one["look at"] == "ex2_double.py:4  os._exit(number)"
    assert two["got"] == one["got"]
    assert "look at" not in two


# What is no answer


def test_a_file_that_is_not_there_is_told_with_the_way_back(shout: Exercise) -> None:
    shout.path.unlink()

    verdict = checks.run(shout)

    assert not verdict.ok
    assert told(verdict)["opened"] == "ex1_shout.py"
    assert told(verdict)["got"] == "no such file or directory"
    assert told(verdict)["hint"].endswith("reset 1.1 brings the file back.")


def test_a_folder_in_place_of_the_file_is_told(shout: Exercise) -> None:
    shout.path.unlink()
    shout.path.mkdir()

    assert told(checks.run(shout))["got"] == "is a directory"


def test_a_file_that_cannot_be_read_is_told(shout: Exercise) -> None:
    """A link to itself: one that not even an administrator can read."""
    shout.path.unlink()
    shout.path.symlink_to(shout.path)

    assert told(checks.run(shout))["got"] == "too many levels of symbolic links"


def test_an_empty_file_is_told(shout: Exercise) -> None:
    assert told(checks.run(shout))["got"] == "no app; FastAPI apps there: none"


def test_a_prepared_process_ends_also_where_there_is_no_file(shout: Exercise) -> None:
    shout.path.unlink()
    process = Process()

    checks.run(shout, process=process)

    assert process.status is not None


# What is no check


def test_an_exercise_without_checks_is_not_ok(tmp_path: Path) -> None:
    (exercise,) = write_course(tmp_path, "x = 1\n", "ex1_shout")

    verdict = checks.run(exercise, SHOUTING)

    assert not verdict.ok
    assert verdict.total == 0
    assert "this exercise has no checks" in told(verdict)["got"]
    assert not Verdict(exercise, SHOUTING).ok


@pytest.mark.parametrize(
    ("broken", "got"),
    [
        ("ex1_shout.connect(nobody)", "NameError: name 'nobody' is not defined"),
        ("assert 1 == 2", "AssertionError"),
        ("ex1_shout.shout()", "AttributeError: 'Answer' object has no attribute"),
    ],
)
def test_a_check_that_breaks_says_so_and_does_not_pass(
    tmp_path: Path, broken: str, got: str
) -> None:
    source = f"def test_it_works(ex1_shout):\n    {broken}\n"
    (exercise,) = write_course(tmp_path, source, "ex1_shout")

    verdict = checks.run(exercise, SHOUTING)

    assert not verdict.ok
    assert verdict.failed == "it works"
    assert told(verdict)["got"].startswith(f"a check that broke: {got}")
    assert told(verdict)["hint"].startswith("This is a fault of the workbook")
    assert verdict.failure is not None
    assert verdict.failure.trace[-2].startswith("test_exercises.py:2")


def test_checks_that_cannot_be_imported_say_so(tmp_path: Path) -> None:
    (exercise,) = write_course(tmp_path, "import nothing_like_it\n", "ex1_shout")

    verdict = checks.run(exercise, SHOUTING)

    assert not verdict.ok
    assert "No module named 'nothing_like_it'" in told(verdict)["got"]


def test_only_tests_with_the_exercises_name_are_its_checks(tmp_path: Path) -> None:
    source = (
        "def test_one(ex1_shout): ...\ndef test_other(ex2_double): ...\n"
        "def test_none(): ...\ndef helper(ex1_shout): ...\ndef test_two(ex1_shout): ..."
    )
    exercise, _ = write_course(tmp_path, source, "ex1_shout", "ex2_double")

    assert [checks.sentence(c) for c in checks.checks_of(exercise)] == ["one", "two"]


# The end


def test_the_last_check_is_that_the_program_ends(shout: Exercise) -> None:
    source = SHOUTING.read_text() + "\nimport signal\nsignal.signal(15, print)\n"

    verdict = judged(shout, source)

    assert not verdict.ok
    assert verdict.passed == ["it shouts", "it shouts again"]
    assert verdict.failed == LAST
    assert told(verdict)["got"] == "a program that does not listen to SIGTERM"


@pytest.mark.skipif(sys.platform != "linux", reason="signals without a name")
def test_a_signal_without_a_name_is_told_by_its_number(shout: Exercise) -> None:
    dies = "\nimport os\nos.kill(os.getpid(), 40)\n"

    verdict = judged(shout, SHOUTING.read_text() + dies)

    assert told(verdict)["got"] == "no more: your program ended by itself (signal 40)"


def test_what_a_program_that_goes_on_has_printed_is_shown(shout: Exercise) -> None:
    endless = "\nimport signal\nsignal.signal(15, print)\nprint('I stay')\n"

    verdict = judged(shout, SHOUTING.read_text() + endless)

    assert verdict.failed == LAST
    assert verdict.failure is not None
    assert "I stay" in verdict.failure.printed


def test_what_a_learner_prints_is_shown_last(shout: Exercise) -> None:
    source = SHOUTING.read_text().replace(
        "text.upper()", "[print('got', n) for n in range(9)][0] or text"
    )

    verdict = judged(shout, source)

    assert verdict.failure is not None
    shown = terminal.plain(verdict.failure, verdict.wire).splitlines()
    assert [line.strip() for line in shown[-5:]] == [f"got {n}" for n in range(4, 9)]


def test_wrong_and_right_can_be_told_apart_at_once(shout: Exercise) -> None:
    """Nothing of a run is shared with the next but the checks."""
    wrong = shout.path.with_name("wrong.py")
    wrong.write_text(SHOUTING.read_text().replace(".upper()", ""))

    verdicts = [checks.run(shout, file).ok for file in (wrong, SHOUTING, wrong)]

    assert verdicts == [False, True, False]


# What a hint is picked by

ROOM = """
import asyncio
from contextlib import suppress

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: list[WebSocket] = []
tasks: list[object] = []


async def tell(sender: WebSocket, text: str) -> None:
    for person in people:
        if person is not sender:
            {send}


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    async for text in websocket.iter_text():
        {say}
"""

HEARD = """
def test_bo_hears_ana(ex1_room):
    with ex1_room.connect("ana") as ana, ex1_room.connect("bo") as bo:
        bo.reply = 2
        ana.send("hello")
        try:
            bo.expect("hello", hint="What ana says, bo hears.")
        except AssertionError as failure:
            failure.sent = 'nothing; ana sent text "hello"'
            raise
"""

TASK = "asyncio.create_task(tell(websocket, text))"
SEND = "await person.send_text(text)"
NAMED = "await person.send_text(name)"
NOTHING = "nothing for 2 s"
NAME_ERROR = "NameError: name 'name' is not defined"


@pytest.mark.parametrize(
    ("send", "say", "got", "look", "misconception"),
    [
        (
            NAMED,
            f"tasks.append({TASK})",
            f"{NOTHING}, and a task raised {NAME_ERROR}",
            NAMED,
            None,
        ),
        (
            NAMED,
            TASK,
            f"{NOTHING}, and a task raised {NAME_ERROR}",
            NAMED,
            None,
        ),
        (
            "await person.send_text(text.encode())",
            "with suppress(Exception): await tell(websocket, text)",
            NOTHING,
            "await person.send_text(text.encode())",
            "M46",
        ),
        (SEND, "pass", NOTHING, SEND, None),
    ],
    ids=["kept", "lost", "bytes", "never sent"],
)
def test_what_kept_a_text_from_coming_is_looked_at(
    send: str, say: str, got: str, look: str | None, misconception: str, tmp_path: Path
) -> None:
    (exercise,) = write_course(tmp_path, HEARD, "ex1_room")
    exercise.path.write_text(ROOM.format(send=send, say=say))

    verdict = checks.run(exercise)

    assert verdict.failure is not None
    where = verdict.failure.where
    assert verdict.failure.got.startswith(got)
    assert (where and where.code.strip()) == look
    assert verdict.failure.misconception == misconception
    assert verdict.failure.printed == []  # asyncio's own report is no print of theirs


def test_the_wire_ends_where_the_check_has_failed(shout: Exercise) -> None:
    verdict = judged(shout, SHOUTING.read_text().replace("text.upper()", "text"))

    assert [event.kind for event in verdict.wire] == [
        "request",
        "response",
        "text",
        "text",
    ]


def test_who_is_refused_reads_what_was_raised(shout: Exercise) -> None:
    source = SHOUTING.read_text().replace("await websocket.accept()", "{}['token']")

    rows = told(judged(shout, source))

    assert rows["ana got"] == "HTTP 500: the handler raised KeyError: 'token'"


AFTER_A_FAILED_SEND = """
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        try:
            await websocket.send_text("news")
        except Exception:
            await websocket.receive_text()
        await asyncio.sleep(0.01)
"""


def test_a_receive_after_a_failed_send_is_not_laid_to_a_close(tmp_path: Path) -> None:
    check = """
def test_it_ends(ex1_news):
    ana = ex1_news.connect("ana")
    ana.abort()
    ex1_news.expect_end_of(ana)
"""
    (exercise,) = write_course(tmp_path, check, "ex1_news")

    rows = told(judged(exercise, AFTER_A_FAILED_SEND))

    assert rows["hint"].startswith("A send to this client had failed")
    assert rows["look at"].endswith("await websocket.receive_text()")


def test_a_message_of_seven_lines_is_cut_to_six() -> None:
    failure = Failure("ana", "got " * 40, "a" * 30, sent="sent " * 20, hint="do " * 30)

    rows = terminal.message(failure)

    assert [label.strip() for label, _ in rows] == [
        "ana sent",
        "",
        "ana got",
        "ana expected",
        "hint",
        "",
    ]
    assert [words[-1] for _, words in rows if words[-1] == "…"] == ["…"]


def test_what_is_cut_ends_where_its_row_ends() -> None:
    got = "a handler that still ran after 1.5 s, and a task raised"
    failure = Failure("", f"{got} TimeoutError", "an end", sent="x" * 80)
    failure.hint, failure.where = "do " * 30, Line("ex1_room.py", 1, "raise")
    whole = dict(terminal.message(failure))

    failure.got = f"{got} WebSocketDisconnect"
    cut = dict(terminal.message(failure))

    assert whole["got       "].endswith("TimeoutError")
    assert cut["got       "].endswith("WebSocketDi…")


TELL = """
async def tell(others, text):
    {start}
        async with asyncio.TaskGroup() as group:
            for other in others:
                group.create_task({send})
"""


@pytest.mark.parametrize(
    ("error", "start", "send", "hint"),
    [
        (
            "WebSocketDisconnect",
            "if True:",
            "websocket.send_text(text)",
            "except* WebSocketDisconnect.",
        ),
        (
            "WebSocketDisconnect",
            "if True:",
            "other.send_text(text)",
            "except* (WebSocketDisconnect, RuntimeError).",
        ),
        (
            "WebSocketDisconnected",
            "except* WebSocketDisconnect:",
            "other.send_text(text)",
            "WebSocketDisconnected, a RuntimeError, is inside an ExceptionGroup",
        ),
        (
            "WebSocketDisconnected",
            "except* RuntimeError:",
            "other.send_text(text)",
            "from outside the try of except*.",
        ),
    ],
)
def test_what_a_group_has_raised_is_told_by_its_type(
    error: str, start: str, send: str, hint: str
) -> None:
    crash = {"is": "crash", "port": 1, "error": error, "text": "", "frames": []}
    evidence = Evidence(
        Failure("", "no", "yes", port=1),
        [{**crash, "seen": {"group": True}}],
        source=TELL.format(start=start, send=send),
    )
    found = recognise(evidence)

    assert found is not None
    assert (found.id, hint in found.say(evidence)) == ("M36", True)
    assert found.place(evidence) == (6, f"                group.create_task({send})")


ASKS_REDIS = """
import os
from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

app = FastAPI()
redis = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()
    await redis.blpop("never")
"""

WAITS = """
def test_it_answers(ex1_asks):
    with ex1_asks.connect("ana") as ana:
        ana.reply = 1
        ana.send("hello")
        ex1_asks.redis.until(lambda link: bool(link.commands("BLPOP")), 30)
        ana.expect("hello")
"""


def test_who_waits_for_redis_is_told_for_what(tmp_path: Path) -> None:
    exercise = write_course(tmp_path, WAITS, "ex1_asks")[0]

    rows = told(judged(exercise, ASKS_REDIS))

    got = "nothing for 1 s, and Redis has not answered BLPOP for "
    assert rows["ana got"].startswith(got)
    assert "redis.blpop" in rows["look at"]


BLAMES_REDIS = """
def test_it_asks_redis(ex1_shout):
    try:
        ex1_shout.connect("ana")
    except AssertionError as failure:
        failure.hint, failure.misconception = "Nobody has asked Redis.", "M29"
        raise
"""


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("import asyncio\nasyncio.create_task(asyncio.sleep(1))", "At import no loop"),
        ("import no_such_module", "No exercise needs more"),
        ("raise ValueError('no')", None),
    ],
)
def test_of_a_file_that_never_ran_a_check_says_nothing_of_its_own(
    tmp_path: Path, source: str, hint: str | None
) -> None:
    exercise = write_course(tmp_path, BLAMES_REDIS, "ex1_shout")[0]

    failure = judged(exercise, source).failure

    assert failure is not None
    assert failure.misconception is None
    assert (failure.hint or "None").startswith(str(hint))


# What became of a message that should have come


What = tuple[str, Direction, Kind, str | None]


def fate(
    *events: What, place: int = 0, listens: Collection[str] | None = None
) -> str | None:
    """What is marked where bo's first text, or another one, should have been "two"."""
    wire = SteadyWire()
    for client, direction, kind, data in events:
        wire.record(client, direction, kind, data)
    mine = [e for e in wire if e.client == "bo" and e.direction == "in"]
    wrong = [e for e in mine if e.kind != "response"][place]
    wire.mark(wrong, 'expected text "two"')
    failure = Failure("bo", "", "", event=wrong)
    mark_fate(failure, wire, listens)
    mark = wire.events[wrong.number].mark or ""
    return re.sub(r"[\d.]{5}", "…", mark).partition("; ")[2]


SENT: tuple[str, Direction, Kind, str] = ("ana", "out", "text", "two")
MISSING: tuple[str, Direction, Kind, None] = ("bo", "in", "missing", None)
IN_ANOTHER = "came in another text at …"


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([SENT, MISSING], "lost: ana sent it at …"),
        ([SENT, MISSING, ("bo", "in", "text", "two")], "late: it came … s after"),
        ([MISSING], ""),
        ([("bo", "out", "text", "two"), MISSING], ""),
        ([SENT, ("1", "out", "redis", "SUBSCRIBE chat"), MISSING], "never published"),
        (
            [SENT, ("1", "out", "redis", 'PUBLISH chat "two"'), MISSING],
            "lost: ana sent it at …",
        ),
        ([SENT, ("bo", "in", "text", '{"message": "two"}')], IN_ANOTHER),
        ([SENT, ("bo", "in", "text", "ana: two")], IN_ANOTHER),
        ([SENT, MISSING, ("bo", "in", "text", "ana: two")], IN_ANOTHER),
        ([SENT, ("bo", "in", "text", "TWO")], "not yet come: ana sent it at …"),
        ([SENT, ("bo", "in", "text", "tw")], "only a part of it came"),
        ([SENT, ("bo", "in", "end", None)], "lost: ana sent it at …"),
        ([SENT, ("bo", "in", "text", "twofold")], ""),
    ],
)
def test_it_is_marked_what_became_of_a_message(events: list[What], told: str) -> None:
    assert fate(*events) == told


def come(client: str, text: str) -> What:
    return (client, "in", "text", text)


def say(client: str, text: str) -> What:
    return (client, "out", "text", text)


def test_what_nobody_had_sent_before_is_not_late() -> None:
    tick, still = come("bo", "tick"), "sent only after this, at …"

    assert fate(tick, say("bo", "two"), come("bo", "two")) == still
    assert fate(tick, SENT) == still
    assert fate(SENT, tick, come("bo", "two")) == "came only after this, at …"
    before = (say("bo", "two"), come("bo", "two"))
    assert fate(*before, tick, say("bo", "two"), come("bo", "two"), place=1) == still
    # Of what nobody sends, nobody knows when it should have come.
    assert fate(come("bo", "bo joined"), come("bo", "two")) == ""


def test_what_comes_back_to_its_sender_is_said_to() -> None:
    back = "came back to who sent it"

    assert fate(say("bo", "one"), come("bo", "one"), SENT, come("bo", "two")) == back
    assert fate(say("bo", "one"), come("bo", "bo: one"), SENT) == back
    assert fate(say("bo", "one"), come("bo", '{"said": "one"}'), SENT) == back
    assert fate(say("bo", "one"), SENT, come("bo", "someone")) != back
    assert fate(say("bo", "one"), say("ana", "one"), come("bo", "one"), SENT) != back
    assert fate(say("bo", "one"), come("bo", "one")) == ""  # as it should, perhaps
    usual = (say("bo", "one"), come("bo", "one"), say("bo", "and"))
    assert fate(*usual, come("bo", "and"), SENT, place=1) != back


def test_what_nobody_said_and_came_twice_is_said_to_have() -> None:
    ana, bo, cy = (
        (who, "out", "request", f"/ws?username={who}") for who in ("ana", "bo", "cy")
    )
    joined, two = come("bo", "cy joined"), come("bo", "two")
    twice = "came twice at once"

    assert fate(ana, bo, cy, joined, joined, two, place=1) == twice
    assert fate(ana, bo, cy, ("cy2", *cy[1:]), joined, joined, two, place=1) == ""
    assert fate(ana, bo, cy, joined, say("ana", "hi"), joined, place=1) == ""
    # Two of one name: what came to whom?
    assert fate(ana, bo, bo, joined, joined, two, place=1) == ""
    assert fate(SENT, come("bo", "ana: two"), come("bo", "ana: two"), place=1) == (
        "doubled: sent 1, came 2"
    )


def test_what_comes_again_later_is_not_said_to_have_come_twice() -> None:
    wire = SteadyWire()
    for _ in range(2):
        wrong = wire.record("bo", "in", "text", "tick")
    later = replace(wrong, time=wrong.time + 0.1, mark='expected text "two"')
    wire._events[-1] = later

    mark_fate(Failure("bo", "", "", event=later), wire)

    assert wire.events[-1].mark == 'expected text "two"'


@pytest.mark.parametrize(
    ("channel", "listens", "told"),
    [
        ("red", ["red", "blue"], "lost: bo sent it at …"),
        ("room:red", ["red", "blue"], "nobody listens to room:red"),
        ("room:red", ["room:*"], "lost: bo sent it at …"),
        ("red", [], "nobody listens to red"),
        ("red", None, ""),
        (None, ["red"], "never published"),
        (None, None, ""),
    ],
)
def test_it_is_marked_where_nobody_hears_what_is_published(
    channel: str | None, listens: list[str] | None, told: str
) -> None:
    published: What = ("1", "out", "redis", f'PUBLISH {channel} "two"')

    events = [say("bo", "two"), *[published] * (channel is not None)]

    assert fate(*events, MISSING, listens=listens) == told
    ended = fate(*events, ("bo", "in", "end", None), listens=listens)
    assert ended != "nobody listens to red"


@pytest.mark.parametrize("text", ['say "hi"', "a\nb", "Grüße", "👋", "x" * 5000])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_text_is_known_again_in_json(text: str, ascii_only: bool) -> None:
    spelt = json.dumps({"said": text}, ensure_ascii=ascii_only)
    wire = Wire()
    wire.record("ana", "out", "text", text)
    wire.record("1", "out", "redis", f"PUBLISH chat {spelt}"[:1000])
    wrong = wire.record("bo", "in", "missing", mark=f"expected {quote(text)}")
    lost = wire.copy()
    mark_fate(Failure("bo", "", "", event=wrong), lost)
    wire.record("bo", "in", "text", spelt)

    mark_fate(Failure("bo", "", "", event=wrong), wire)

    assert "; lost: ana sent it at" in (lost.events[2].mark or "")
    assert "; came in another text at" in (wire.events[2].mark or "")


def test_an_empty_text_is_part_of_none_and_no_second_one() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "")
    wire.record("bo", "in", "text", "")
    wrong = wire.record("bo", "in", "text", "", mark='expected text "|"')

    mark_fate(Failure("bo", "", "", event=wrong), wire)

    assert wire.events[-1].mark == 'expected text "|"'


def test_a_message_that_came_twice_is_marked() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "one")
    wire.record("bo", "in", "text", "one")
    wrong = wire.record("bo", "in", "text", "one", mark='expected text "two"')

    mark_fate(Failure("bo", "", "", event=wrong), wire)

    assert wire.events[-1].mark == 'expected text "two"; doubled: sent 1, came 2'


# What was found at no event of the wire

STAYS = """
def test_it_ends(ex1_stay):
    with ex1_stay.connect("ana") as ana:
        ana.send("hello")
        try:
            ana.expect("a text that need not come")
        except AssertionError:
            pass
    ex1_stay.expect_end_of(ana, within=0.2)
"""

STAYING = """
import asyncio
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await asyncio.sleep(60)
"""


def test_where_no_event_is_wrong_the_wire_ends_in_what_was_found(
    tmp_path: Path,
) -> None:
    exercise = write_course(tmp_path, STAYS, "ex1_stay")[0]

    verdict = judged(exercise, STAYING)

    marked = [(e.kind, e.mark) for e in verdict.wire if e.mark]
    assert marked == [("found", "a handler that still ran after 0.2 s")]
    assert verdict.wire.events[-1].kind == "found"
    assert told(verdict)["got"] == "a handler that still ran after 0.2 s"


def test_what_was_found_is_told_as_it_is_in_the_end(tmp_path: Path) -> None:
    exercise = write_course(tmp_path, STAYS, "ex1_stay")[0]

    verdict = judged(exercise, STAYING.replace("asyncio.sleep(60)", "nothing()"))

    assert [e.mark for e in verdict.wire if e.kind == "found"] == [told(verdict)["got"]]
    assert told(verdict)["got"].startswith("NameError")


def test_where_an_event_is_wrong_nothing_else_is_found(shout: Exercise) -> None:
    source = SHOUTING.read_text().replace("text.upper()", "'HELLO'")

    verdict = judged(shout, source)

    assert [e.kind for e in verdict.wire if e.mark] == ["text"]
