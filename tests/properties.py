"""What holds for whatever goes over the wire, is checked, kept or relayed.

For a maintainer, who has hypothesis; always the same examples, so that it never fails
by chance:

    python -m pytest tests/properties.py

A new example that fails becomes a test of its own beside the others of its module.
"""

import ast
import json
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from rich.cells import cell_len
from websockets.frames import Frame, Opcode

from tests.small_course import make_course
from workbook import anatomy, checks, diagram, failure, terminal
from workbook.answer import Answer
from workbook.checks import Check
from workbook.course import Exercise
from workbook.failure import Failure, Line
from workbook.link import BIGGEST, Replies, Requests, encode, written
from workbook.progress import HINTS, Progress, Record, State, Unreadable, parse
from workbook.wire import Direction, Event, Kind, Wire

# Not below the root, where pytest would warn of it.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "workbook-hypothesis")
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")

TRICKY = (
    "\x00\x1b\n\r\t\x7f\x85\u200b\u202e\u2028\ud800\udfff\ufffe\ufeff│✘⋮"
    "👋🏽👩\u200d🚀한e\u0301\"'<&]]>\\"
)


def is_agreed_on(letter: str) -> bool:
    """Whether Python and the terminal's library know it by the same Unicode: letters
    that are newer to one of them are wide here and narrow there."""
    return not letter.isprintable() or cell_len(letter) == diagram.columns(letter)


letters = st.one_of(
    st.characters().filter(is_agreed_on),
    st.sampled_from(TRICKY),
    st.sampled_from("ab 1"),
)
texts = st.text(letters, max_size=90)
names = st.text(letters, max_size=20)
datas = st.one_of(texts, st.binary(max_size=40), st.none())
kinds = st.sampled_from([kind for kind in get_args(Kind) if kind != "redis"])
directions = st.sampled_from(list(get_args(Direction)))
codes = st.one_of(st.none(), st.integers(-1, 5001), st.integers())
marks = st.one_of(st.none(), st.none(), texts)
events = st.tuples(st.integers(0, 11), directions, kinds, datas, codes, marks)

LONE: list[Kind] = ["text", "binary", "close", "end", "missing"]
"""Kinds of which each is drawn for itself: no question and answer are one."""
lone = st.tuples(
    st.integers(0, 11), directions, st.sampled_from(LONE), datas, codes, marks
)

# Between a process, by its number, and Redis.
at_redis = st.tuples(
    st.sampled_from(["0", "1", "2"]),
    directions,
    st.just("redis"),
    texts,
    st.sampled_from([None, 0, 1]),
    marks,
)


@st.composite
def wires(draw: st.DrawFn, events: st.SearchStrategy[tuple[Any, ...]] = events) -> Wire:
    """A wire of few clients or many, with pauses between its events."""
    clients = draw(st.lists(names, min_size=12, max_size=12))
    wire = Wire()
    for who, *what in draw(st.lists(events, max_size=30)):
        client = who if isinstance(who, str) else clients[who]
        pace = draw(st.sampled_from([0.1, 9]))
        for _ in range(draw(st.sampled_from([1, 1, 1, 1, 9]))):
            event = wire.record(client, *what)
            last = wire.events[-2].time if event.number else 0.0
            wire._events[-1] = replace(event, time=last + pace)
    return wire


def gaps(notes: list[str]) -> int:
    """How many events these notes say are left out."""
    found = [re.match(r"⋮ ([\d,]+) more", note) for note in notes]
    return sum(int(note[1].replace(",", "")) for note in found if note)


def drawn(wire: Wire, most: int) -> list[Event]:
    clients = diagram.drawn_clients(wire, most)
    return [event for event in wire if event.client in clients]


# The wire, drawn


@given(wires(st.one_of(events, events, at_redis)), st.integers(40, 130))
def test_a_wire_is_drawn_for_any_terminal(wire: Wire, width: int) -> None:
    rows = diagram.text(wire, width)

    assert max(cell_len(row.text) for row in rows) <= width
    assert all(row.text.isprintable() for row in rows)


@given(wires(lone), st.integers(40, 130))
def test_every_event_is_drawn_or_counted(wire: Wire, width: int) -> None:
    rows = diagram.text(wire, width)

    lines = [row.text for row in rows if row.style not in ("head", "quiet")]
    timed = [line for line in lines if re.match(r" {0,6}\d[\d.]* ", line)]
    notes = [row.text.strip("│┊ ") for row in rows if row.style == "quiet"]
    absent = [re.search(r"and ([\d,]+) clients? more", note) for note in notes]
    heads = len(wire.clients) - sum(int(note[1]) for note in absent if note)
    assert len(timed) + gaps(notes) == len(drawn(wire, heads))
    marked = any(row.text.endswith(" ✘") for row in rows)
    assert marked == any(event.mark is not None for event in wire)


@given(wires(st.one_of(events, events, at_redis)), texts)
def test_a_wire_is_drawn_as_a_picture_that_any_browser_reads(
    wire: Wire, title: str
) -> None:
    root = ElementTree.fromstring(diagram.svg(wire, title).encode())

    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert not tags & {"script", "image", "a", "foreignObject", "iframe"}
    assert max(float(node.get("y", 0)) for node in root.iter()) <= float(
        root.get("height", 0)
    )
    assert max(float(node.get("x", 0)) for node in root.iter()) <= float(
        root.get("width", 0)
    )


@given(wires(lone))
def test_every_event_is_drawn_or_counted_in_a_picture(wire: Wire) -> None:
    root = ElementTree.fromstring(diagram.svg(wire).encode())

    words = [node.text or "" for node in root.iter() if node.tag.endswith("}text")]
    times = [word for word in words if re.fullmatch(r"\d+\.\d{3} s", word)]
    # A mark on the wire may look like a time, too.
    assert len(times) + gaps(words) >= len(drawn(wire, diagram.CLIENTS))


def joined(facts: dict[str, Any]) -> dict[str, Any]:
    """The same with each pair of lone surrogates as the letter that JSON makes it."""
    return {
        name: fact.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if isinstance(fact, str)
        else fact
        for name, fact in facts.items()
    }


@given(wires())
def test_a_wire_is_read_back_from_json(wire: Wire) -> None:
    told: list[dict[str, Any]] = json.loads(wire.to_json())

    for facts in told:
        if isinstance(facts["data"], dict):
            facts["data"] = bytes.fromhex(facts["data"]["hex"])
    assert told == [joined(asdict(event)) for event in wire.events]


@given(texts, st.integers(-3, 100))
def test_a_text_is_cut_to_its_room(text: str, room: int) -> None:
    short = diagram.cut(text, room)

    assert short.isprintable()
    assert cell_len(short) <= max(0, room)
    assert diagram.columns(short) == cell_len(short)


# What a failure says


@given(st.one_of(st.text(letters, max_size=300), st.binary(max_size=300)))
@example("x" * 41)
def test_what_is_quoted_is_short_and_can_be_read(data: str | bytes) -> None:
    quoted = failure.quote(data)

    assert quoted.isprintable()
    assert len(quoted) <= 40 * 10 + 30
    if isinstance(data, str) and 0 < len(data) <= 40:
        assert ast.literal_eval(quoted.removeprefix("text ")) == data


@given(events)
def test_every_event_has_a_name(event: tuple[Any, ...]) -> None:
    _, direction, kind, data, code, mark = event

    assert failure.name(Event(0.0, "ana", direction, kind, data, code, mark))


lines = st.builds(Line, texts, st.integers(0, 10_000), texts)
failures = st.builds(
    Failure,
    who=st.sampled_from(["ana", "bo", ""]),
    got=st.text(letters, min_size=1, max_size=400),
    expected=st.text(letters, min_size=1, max_size=400),
    sent=st.one_of(st.none(), texts),
    hint=st.one_of(st.none(), texts),
    where=st.one_of(st.none(), lines),
    trace=st.lists(texts, max_size=5),
    printed=st.lists(texts, max_size=5),
)


@given(failures, wires())
@settings(max_examples=80)
def test_any_failure_is_told_in_few_narrow_lines(failed: Failure, wire: Wire) -> None:
    told = terminal.plain(failed, wire).splitlines()

    assert len(terminal.message(failed)) <= 6
    assert all(line.isprintable() for line in told)


# Frames, taken apart


@given(st.sampled_from(list(Opcode)), st.binary(max_size=300), st.booleans(), names)
def test_a_frame_is_taken_apart_and_drawn(
    opcode: Opcode, payload: bytes, mask: bool, title: str
) -> None:
    data = Frame(opcode, payload).serialize(mask=mask)

    frame = anatomy.parse(data + payload)

    assert (frame.opcode, frame.message) == (
        opcode.name.lower().replace("cont", "continuation"),
        payload,
    )
    assert frame.length == len(payload)
    size = 2 + frame.wide + len(frame.key) + frame.length
    assert size == len(data)
    for cut in range(len(data)):
        with pytest.raises(ValueError, match="not a whole frame"):
            anatomy.parse(data[:cut])
    assert len(anatomy.text(data).splitlines()) == (8 if mask else 6)


@given(st.binary(min_size=2, max_size=40), texts)
def test_any_bytes_are_a_frame_or_none(data: bytes, title: str) -> None:
    try:
        anatomy.parse(data)
    except ValueError:
        return
    assert anatomy.text(data).isascii() or "…" in anatomy.text(data)
    ElementTree.fromstring(anatomy.svg(data, "a frame"))


# What an app and a Redis say to each other

words = st.lists(st.binary(max_size=20), min_size=1, max_size=5)
cuts = st.lists(st.integers(0, 10_000), max_size=12)


def pieces(data: bytes, at: list[int]) -> Iterator[bytes]:
    """The same bytes as a network may bring them."""
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    for start, end in pairwise(places):
        yield data[start:end]


@given(st.lists(words, max_size=6), cuts)
def test_commands_are_whole_however_they_come(
    commands: list[list[bytes]], at: list[int]
) -> None:
    requests = Requests()
    data = b"".join(map(encode, commands))

    found = [said for piece in pieces(data, at) for said in requests.feed(piece)]

    assert found == commands


def simple(kind: bytes) -> st.SearchStrategy[bytes]:
    line = st.binary(max_size=9).map(lambda b: re.sub(b"[\r\n]", b".", b))
    return line.map(lambda words: kind + words + b"\r\n")


def bulk(kind: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=9).map(lambda b: b"%c%d\r\n%s\r\n" % (kind[0], len(b), b))


def many(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    lists = st.lists(inner, max_size=4)
    return st.one_of(
        st.tuples(st.sampled_from(b"*~>"), lists).map(
            lambda it: b"%c%d\r\n" % (it[0], len(it[1])) + b"".join(it[1])
        ),
        st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda them: b"%%%d\r\n" % len(them) + b"".join(k + v for k, v in them)
        ),
        st.tuples(inner, inner, inner).map(lambda it: b"|1\r\n" + b"".join(it)),
    )


leaves = st.one_of(
    *(simple(kind) for kind in (b"+", b"-", b":", b"_", b"#", b",", b"(")),
    *(bulk(kind) for kind in (b"$", b"=", b"!")),
    st.sampled_from([b"$-1\r\n", b"*-1\r\n"]),
)
replies = st.recursive(leaves, many, max_leaves=12)


@given(st.lists(replies, max_size=5), cuts)
def test_replies_are_handed_on_as_they_were(said: list[bytes], at: list[int]) -> None:
    reader = Replies()

    found = [
        b"".join(map(written, parts))
        for piece in pieces(b"".join(said), at)
        for parts in reader.feed(piece)
    ]

    assert found == said


junk = st.lists(
    st.one_of(
        st.sampled_from([b"*", b"$", b"\r\n", b"-", b"1", b"7", b"99999999", b"PING"]),
        st.binary(max_size=4),
    ),
    max_size=20,
).map(b"".join)


@given(junk, cuts)
@example(b"*999999999\r\n$-7\r\n", [])
@settings(max_examples=600)
def test_what_is_no_redis_is_refused_or_waited_for(data: bytes, at: list[int]) -> None:
    for reader in (Requests(), Replies()):
        taken = 0
        try:
            for piece in pieces(data, at):
                taken += sum(1 for _ in reader.feed(piece))
        except ValueError:
            continue
        assert taken <= len(data)
        assert len(data) < BIGGEST


# Verdicts


def passes(_: Answer) -> None:
    """A check's yes."""


def refuses(_: Answer) -> None:
    raise Failure(who="ana", got="this", expected="that")


def breaks(_: Answer) -> None:
    raise ValueError("\ud800 " * 200)


def breaks_for_want(_: Answer) -> None:
    raise KeyError


@given(
    st.lists(
        st.sampled_from([passes, passes, passes, refuses, breaks, breaks_for_want])
    ),
    st.sampled_from([passes, refuses, breaks]),
)
def test_a_verdict_is_green_only_when_every_check_has_passed(
    given_checks: list[Check], last: Check
) -> None:
    answer = cast(
        Answer,
        SimpleNamespace(
            file=Path(__file__),
            wire=Wire(),
            begin=lambda: None,
            look_at_fault=lambda _: None,
            left_behind=[],
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "checks_of", lambda _: given_checks)
        patch.setattr(checks, "explain", lambda *_: None)
        patch.setattr(checks, "finish", last)
        verdict = checks._judge(cast(Exercise, SimpleNamespace(id="1.1")), answer)

    right = [check is passes for check in given_checks]
    assert verdict.ok == (all(right) and bool(right) and last is passes)
    assert verdict.ok == (verdict.failure is None)
    first_wrong = right.index(False) if False in right else len(right)
    assert len(verdict.passed) == first_wrong
    if verdict.failure is not None:
        assert terminal.plain(verdict.failure, verdict.wire)


# Progress

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), names),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(names, st.sampled_from(["version", "exercises", "passed"])),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=10,
)


@given(st.one_of(st.binary(), json_values.map(lambda v: json.dumps(v).encode())))
@example(b"[" * 100_000)
@example(b'{"version": 1, "exercises": {"a": []}}')
@example(b'{"version": 1, "exercises": {"a": {"tries": -1}}}')
@example(b'\xef\xbb\xbf{"version": 1, "exercises": {}}')
def test_any_file_holds_progress_or_is_said_not_to(content: bytes) -> None:
    try:
        records = parse(content)
    except Unreadable:
        return
    assert all(isinstance(record, Record) for record in records.values())


def facts(record: Record) -> tuple[object, ...]:
    """What is kept of an exercise, without the times."""
    return record.passed, record.tried, record.tries, record.hints, record.solution


class Learner(RuleBasedStateMachine):
    """Whatever is done in whatever order, the file says what was done."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="workbook-properties-")
        root = Path(self.folder.name)
        self.exercises = make_course(root)
        self.said: list[str] = []
        self.file = root / "progress.json"
        self.model: dict[int, Record] = {}

    @property
    def progress(self) -> Progress:
        """As another process would open it."""
        return Progress(self.file, self.said.append)

    def teardown(self) -> None:
        self.folder.cleanup()

    which = st.integers(0, 2)

    @rule(n=which, text=st.sampled_from(["a", "b", "c"]), ok=st.booleans())
    def check(self, n: int, text: str, ok: bool) -> None:
        old = self.model.get(n, Record())
        self.progress.judge(self.exercises[n], text, ok)
        new = old
        if ok:
            new = replace(old, passed=text)
        else:
            if text == old.passed:
                new = replace(new, passed=None)
            if text != old.tried:
                new = replace(new, tried=text, tries=old.tries + 1)
        self.model[n] = new

    @rule(n=which)
    def give_hint(self, n: int) -> None:
        old = self.model.get(n, Record())
        self.model[n] = replace(old, hints=min(HINTS, old.hints + 1))
        assert self.progress.give_hint(self.exercises[n]) == self.model[n].hints

    @rule(n=which)
    def give_solution(self, n: int) -> None:
        self.model[n] = replace(self.model.get(n, Record()), solution=True)
        self.progress.give_solution(self.exercises[n])

    @rule(n=which)
    def start_again(self, n: int) -> None:
        old = self.model.get(n, Record())
        kept = replace(old, passed=None, tried=None, tries=0)
        self.model[n] = kept
        self.progress.start_again(self.exercises[n])

    @rule(cut=st.integers(0, 60))
    def damage(self, cut: int) -> None:
        if not self.file.exists():
            return
        self.file.write_bytes(self.file.read_bytes()[:cut])
        self.progress.read()
        kept = list((self.file.parent / ".kept").glob("progress-*"))
        assert kept
        self.model.clear()

    @invariant()
    def is_as_told(self) -> None:
        found = self.progress
        for n, exercise in enumerate(self.exercises):
            assert facts(found.record(exercise)) == facts(self.model.get(n, Record()))
            assert found.state(exercise) is State.UNTOUCHED


Learner.TestCase.settings = settings(max_examples=25, stateful_step_count=20)
TestLearner = Learner.TestCase
