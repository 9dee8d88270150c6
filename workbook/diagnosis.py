"""From what was seen to what went wrong: a failure gets its line and its hint.

The most telling comes first: a program that ended or was ended, an event loop that
stood still, a misconception that left its sign; else the check's own hint stays.
"""

import ast
import json
import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import cast

from workbook import broker, ending
from workbook.answer import MOST_AT_REDIS, Answer, line
from workbook.failure import Failure, Line, name, name_status
from workbook.misconceptions import Evidence, is_of_connections, recognise
from workbook.process import Report
from workbook.wire import EXPECTED, Event, Wire


def explain(failure: Failure, answer: Answer) -> None:
    """Complete a failure with the line that did it, the learner's frames, a hint.

    It asks the answer's process, which may be hung or gone, and waits for at most
    a second or two. On the wire it marks where it went wrong; where that is at no
    event, what was found.
    """
    wire = answer.wire
    unsay(failure, wire)
    nowhere = bool(wire.events) and not _is_marked(failure, wire)
    found = wire.record("", "none", "found") if nowhere else None
    _complete(failure, answer)
    if found is not None:
        wire.mark(found, failure.got or f"{EXPECTED}{failure.expected}")


def _is_marked(failure: Failure, wire: Wire) -> bool:
    """Whether the wire shows where it went wrong."""
    number = -1 if failure.event is None else failure.event.number
    return any(e.number == number and e.mark is not None for e in wire)


def _complete(failure: Failure, answer: Answer) -> None:
    listens = _listens(answer)
    failure.sent = failure.sent or _last_act(failure, answer)
    own_up(failure, answer.wire)
    mark_fate(failure, answer.wire, listens)
    ended = ending.explain(failure, answer)
    failure.printed = answer.process.last_prints()
    if ended:
        return
    evidence = _evidence(failure, answer)
    if evidence.crash is not None:
        failure.locate(evidence.crash)
        failure.got = _raised(failure, evidence.crash)
        if failure.silent:
            _say_where_it_ended(failure, evidence.crash)
    elif evidence.lost is not None:
        _blame_a_task(failure, evidence.lost)
    else:
        _blame_another(failure, answer)
        _blame_redis(failure, answer)
        _blame_channel(failure, answer.wire, listens)
    misconception = recognise(evidence)
    if misconception is not None:
        failure.misconception = misconception.id or None
        failure.hint = misconception.say(evidence)
        place = misconception.place(evidence)
        if place is not None:
            failure.where = Line(str(answer.file), *place)
    if failure.where is None:
        failure.where = _line_of(failure, evidence, answer)
    if failure.silent and failure.where is not None and failure.hint is None:
        failure.hint = "The handler waits at this line, and goes no further."


def _last_act(failure: Failure, answer: Answer) -> str | None:
    """What the failing client did last, where the check does not say so."""
    mine = [e for e in answer.wire if e.client == failure.who and e.direction == "out"]
    if not mine:
        return None
    return f"{'the handshake, ' * (mine[-1].kind == 'request')}{name(mine[-1])}"


def own_up(failure: Failure, wire: Wire) -> None:
    """Say who has said something, and who only should have heard what another said."""
    sent = failure.sent or ""
    said = [e for e in wire if e.kind in MESSAGES and e.direction == "out"]
    mine = [e for e in said if e.client == failure.who]
    heard = [e for e in said if name(e) == failure.expected and e not in mine]
    if sent.startswith(NOTHING) and mine:
        failure.sent = f"{name(mine[-1])}; {sent.removeprefix(NOTHING)}"
    elif sent.startswith("the handshake") and not mine and heard:
        failure.sent = f"{NOTHING}{heard[-1].client} sent {failure.expected}"


NOTHING = "nothing; "
"""What begins the row of who only should have heard what somebody else sent."""

MESSAGES = ("text", "binary")


def mark_fate(
    failure: Failure, wire: Wire, listens: Collection[str] | None = None
) -> None:
    """Say at the place where it went wrong what became of the message.

    Args:
        failure: what is told.
        wire: where it went wrong.
        listens: patterns of the channels at Redis to which somebody is subscribed;
            None where there is no Redis.
    """
    events = wire.events
    number = -1 if failure.event is None else failure.event.number
    event = next((e for e in events if e.number == number), None)
    if event is not None and (event.mark or "").startswith(EXPECTED):
        expected = (event.mark or "").removeprefix(EXPECTED)
        fate = _too_much(event, expected, events)
        fate = fate or _fate(event, expected, events, listens)
        wire.mark(event, f"{event.mark}; {fate}" if fate else event.mark)


def unsay(failure: Failure, wire: Wire) -> None:
    """Take away the marks of what a check has seen and not minded."""
    mine = None if failure.event is None else failure.event.number
    for event in wire:
        if (event.mark or "").startswith(EXPECTED) and event.number != mine:
            wire.mark(event, None)


def _too_much(event: Event, expected: str, events: Sequence[Event]) -> str | None:
    """What is seen of the message that came instead: again, or to its sender."""
    if event.kind not in MESSAGES or not event.data:
        return None
    out = [e for e in events if e.kind in MESSAGES and e.direction == "out"]
    sent = [e for e in out if e.number < event.number and _is_in(e, event.data)]
    came = [e for e in _came_to(event, events) if e.data == event.data]
    if len(came) > _rightly(event, sent, events):
        if sent:
            return f"doubled: sent {len(sent)}, came {len(came)}"
        between = [e for e in out if came[-2].number < e.number < event.number]
        if not between and event.time - came[-2].time < AT_ONCE:
            return "came twice at once"
    if {e.client for e in sent} == {event.client} and not _echoed(event, events):
        due = expected.partition(" ")[2].strip("\"'")
        if any(e.client != event.client and _is_in(e, due) for e in out):
            return "came back to who sent it"
    return None


def _came_to(event: Event, events: Sequence[Event]) -> list[Event]:
    """The messages that came to the client of an event, up to this one."""
    mine = [e for e in events if e.client == event.client and e.direction == "in"]
    return [e for e in mine if e.kind in MESSAGES and e.number <= event.number]


def _echoed(event: Event, events: Sequence[Event]) -> bool:
    """Whether something that this client said has come back before, as it should."""
    mine = [e for e in events if e.client == event.client and e.direction == "out"]
    said = [e.data for e in mine if e.kind in MESSAGES]
    return any(e.data in said for e in _came_to(event, events)[:-1])


AT_ONCE = 0.05
"""Seconds between two messages that one cause may have. An exercise that lets a
message come again and again lets more than that pass in between."""


def _is_in(said: Event, text: str | bytes) -> bool:
    """Whether a text is what was said, ends in it after a name, or has it as JSON."""
    if said.data == text or not isinstance(said.data, str) or not said.data:
        return said.data == text
    if not isinstance(text, str):
        return False
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        return said.data in cast(dict[str, object], values).values()
    return re.search(rf"\W{re.escape(said.data)}\Z", text) is not None


def _rightly(event: Event, sent: Sequence[Event], events: Sequence[Event]) -> int:
    """How often a text may come to a client: as often as it was sent, or for each who
    came and whom it names; of two clients of one name, nobody knows."""
    asked = [e for e in events if e.kind == "request" and e.number < event.number]
    if sum(e.client == event.client for e in asked) > 1:
        return len(events)
    names = [str(e.data).rpartition("=")[2] for e in asked]
    named = sum(bool(n) and n in str(event.data) for n in names)
    return len(sent) or max(1, named)


def _fate(
    event: Event,
    expected: str,
    events: Sequence[Event],
    listens: Collection[str] | None,
) -> str | None:
    """What is seen of the message that should have come: late, lost, or not sent."""
    talk = [e for e in events if e.kind in MESSAGES]
    waited = event.kind not in MESSAGES  # else what should have come may come yet
    mine = [e for e in talk if e.client == event.client and e.direction == "in"]
    due = [e for e in talk if e.direction == "out" and name(e) == expected]
    before = [e for e in mine if e.number < event.number and name(e) == expected]
    sent = [e for e in due if e.number < event.number][len(before) :]
    after = [e for e in due if e.number > event.number]
    late = [e for e in mine if e.number > event.number and name(e) == expected]
    if late and event.kind == "missing":
        return f"late: it came {late[0].time - event.time:.3f} s after"
    start = events[0].time
    if late and sent:
        return f"came only after this, at {late[0].time - start:.3f}"
    if after and not sent and not waited:
        return f"sent only after this, at {after[0].time - start:.3f}"
    for said in reversed(sent):
        # What one says, one hears oneself only where it goes by Redis.
        if said.client != event.client or listens is not None:
            return _loss(event, said, events, listens)
    return None


def _loss(
    event: Event, said: Event, events: Sequence[Event], listens: Collection[str] | None
) -> str | None:
    """How far something said has come that has not come as it was said."""
    start = events[0].time
    mine = [e for e in events if e.client == event.client and e.direction == "in"]
    inside = [e for e in mine if e.number > said.number and _holds(e, said)]
    if inside:  # of a part of a word, nobody knows
        whole = [e.time - start for e in inside if _holds(e, said, WHOLE)]
        return f"came in another text at {whole[0]:.3f}" if whole else None
    if not _got_to_redis(said, events, listens):
        return "never published"
    when = f"{said.client} sent it at {said.time - start:.3f}"
    if event.kind in MESSAGES:
        sent = [e.data for e in events if e.direction == "out" and e.kind in MESSAGES]
        part = event.data not in sent and _holds(said, event)
        return "only a part of it came" if part else f"not yet come: {when}"
    channel = unheard(said, events, listens) if event.kind == "missing" else None
    if channel is not None:
        return f"nobody listens to {channel}"
    return f"lost: {when}"


def forms(text: str) -> set[str]:
    """A text as another one may hold it: as it is, and as JSON spells it."""
    spelt = {json.dumps(text, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    return {text, *spelt}


def _holds(came: Event, said: Event, pattern: str = "%s") -> bool:
    """Whether a text is a part of another one: a value in JSON, or behind a name."""
    if not isinstance(said.data, str) or not isinstance(came.data, str):
        return False
    if not said.data or came.data == said.data:
        return False
    parts = [pattern % re.escape(form) for form in forms(said.data)]
    return any(re.search(part, came.data) for part in parts)


def _got_to_redis(
    said: Event, events: Sequence[Event], listens: Collection[str] | None
) -> bool:
    """Whether a text has been part of what was asked of Redis, where there is one."""
    there_is_one = listens is not None or any(e.kind == "redis" for e in events)
    known = there_is_one and len(events) < MOST_AT_REDIS
    return not known or bool(_asked_with(said, events))


def _asked_with(said: Event, events: Sequence[Event]) -> list[str]:
    """The commands that have taken a text to Redis."""
    redis = [e for e in events if e.kind == "redis" and e.direction == "out"]
    asked = [str(e.data) for e in redis if e.mark is None and e.number > said.number]
    begins = [form[:SEEN] for form in forms(str(said.data))]
    return [words for words in asked if any(form in words for form in begins)]


def unheard(
    said: Event, events: Sequence[Event], listens: Collection[str] | None
) -> str | None:
    """The channel to which a text was published, if nobody is subscribed to it."""
    found = [
        re.match('S?PUBLISH (.*?) "', words) for words in _asked_with(said, events)
    ]
    channels = [match[1] for match in found if match]
    if listens is None or not channels:
        return None
    heard = any(fnmatchcase(channels[-1], pattern) for pattern in listens)
    return None if heard else channels[-1]


WHOLE = r"(?<!\w)%s(?!\w)"
"""A pattern of what stands in a text as a whole word, or as several."""

SEEN = 500
"""Characters by which a text is known again: of a command, the rest may be cut."""


def _raised(failure: Failure, crash: Report) -> str:
    """What the client got when its handler raised, and that this is why."""
    event, error = failure.event, f"{crash['error']}: {crash['text']}"
    told = f"the handler raised {error.removesuffix(': ')}"
    if event is not None and event.kind == "end":
        return f"no close (1006): {told}"
    if failure.got.startswith(name_status(500)):
        return f"HTTP 500: {told}"
    if failure.silent and not _is_a_goodbye(crash):
        return f"{failure.got}, and {told}"
    return failure.got


MISSPELT = {"AttributeError", "NameError", "UnboundLocalError"}


def _say_where_it_ended(failure: Failure, crash: Report) -> None:
    """Of a slip in a handler the check's own hint knows nothing."""
    failure.hint = ending.IN_HANDLER.get(crash["error"], failure.hint)
    if crash["error"] in MISSPELT:
        failure.hint = "This error ended the handler: nothing after this line was done."
        failure.misconception = None


def _lost(failure: Failure, answer: Answer) -> Report | None:
    """What has ended a task of the learner's, and nobody has been told of."""
    event = failure.event
    if not failure.silent and (event is None or event.kind != "text"):
        return None
    lost = (answer.process.ask("tasks") or {}).get("failed", [])
    return next((crash for crash in reversed(lost) if crash["frames"]), None)


def _blame_a_task(failure: Failure, crash: Report) -> None:
    error = f"{crash['error']}: {crash['text']}".removesuffix(": ")
    failure.got = f"{failure.got}, and a task raised {error}"
    failure.locate(crash)
    if failure.hint is None or not is_of_connections(crash):
        failure.hint = "This error ended a task that nobody awaits: nobody was told."


def _blame_another(failure: Failure, answer: Answer) -> None:
    """Where nothing came: say what the handler of another client has raised."""
    raised = [(who, r) for who, r in answer.crashes() if not _is_a_goodbye(r)]
    if not failure.silent or not raised:
        return
    who, crash = raised[-1]
    error = f"{crash['error']}: {crash['text']}".removesuffix(": ")
    failure.got = f"{failure.got}, and {who}'s handler had raised {error}"
    _say_where_it_ended(failure, crash)
    failure.locate(crash)


def _is_a_goodbye(crash: Report) -> bool:
    """Whether it is its client's leaving that a handler has raised; no late Redis."""
    return is_of_connections(crash) and not crash["text"].startswith(LATE)


LATE = "Timeout reading from "
"""How redis-py begins what it raises when Redis does not answer."""

LONG = 0.5
"""Seconds after which an answer of Redis is late; it takes it a millisecond."""


def _blame_redis(failure: Failure, answer: Answer) -> None:
    """Where nothing came: say so if it is Redis that somebody waits for."""
    asked = any(event.kind == "redis" for event in answer.wire)
    waits = answer.redis.unanswered() if failure.silent and asked else None
    if waits is not None and waits[1] >= LONG:
        command, seconds = waits
        told = f"Redis has not answered {command} for {seconds:.1f} s"
        failure.got = f"{failure.got}, and {told}"
        failure.hint = failure.hint or "What does Redis wait for, or compute?"


def _listens(answer: Answer) -> Collection[str] | None:
    """Patterns of what somebody is subscribed to at Redis; None where it needs none."""
    if answer.server is None or not broker.is_needed(answer.file):
        return None
    names = {*answer.redis.subscriptions()}
    patterns = names if answer.redis.commands("PSUBSCRIBE") else set[str]()
    return patterns | {escape(name) for name in names}


def _blame_channel(
    failure: Failure, wire: Wire, listens: Collection[str] | None
) -> None:
    """Where nothing came: say so if it was published where nobody listens."""
    said = [e for e in wire if e.kind in MESSAGES and e.direction == "out"]
    due = [e for e in said if name(e) == failure.expected]
    channel = unheard(due[-1], wire.events, listens) if due else None
    if failure.silent and channel is not None:
        failure.got = f"{failure.got}, and nobody listens to {channel}"


def _evidence(failure: Failure, answer: Answer) -> Evidence:
    events = [e for e in answer.wire if e.kind == "request"]
    paths = [e.data for e in events if failure.who == e.client]
    path = paths[-1] if paths and isinstance(paths[-1], str) else "/ws"
    return Evidence(
        failure,
        list(answer.process.reports),
        answer.process.output,
        answer.server.routes if answer.server else [],
        path.partition("?")[0],
        answer.file.read_text("utf-8", "replace"),
        _lost(failure, answer),
    )


def _line_of(
    failure: Failure,
    evidence: Evidence,
    answer: Answer,
) -> Line | None:
    """The line that sent what came, closed, or waits while nothing comes."""
    if failure.action == "called" and failure.sent is not None:
        return _returning(failure.sent.partition("(")[0], answer.file, evidence.source)
    if failure.silent and answer.server is not None:
        where = answer.process.where()
        at = ending.line_for(failure.port, where) if where is not None else None
        idle = _idles(failure, evidence, at)
        return _line_that_counts(failure, evidence, answer.file) if idle else at
    event, end = failure.event, evidence.returned
    if event is None or answer.server is None:
        return None
    if event.kind == "close" and end is not None:
        return line(end["seen"].get("close_line"))
    if event.kind in ("text", "binary"):
        sends = answer.process.ask("sends", port=failure.port) or {}
        lines = sends.get("lines", [])
        if failure.received < len(lines):
            return line(lines[failure.received])
    return None


RECEIVES = r"\.(?:receive|iter)(?:_\w+)?\("
SENDS = r"(?<!\bdef )\b\w+(?:\[\w+\])?\.(?:send(?:_\w+)?|put(?:_nowait)?|publish)\("
REMOVES = r"^\s*del \w|\.(?:pop|remove|discard)\("


def _idles(failure: Failure, evidence: Evidence, at: Line | None) -> bool:
    """Whether a handler waits for its client's next message, as it should.

    The fault is elsewhere when it is another's message that has not come, or when
    the only line that receives has taken this one.
    """
    if at is None or re.search(RECEIVES, at.code) is None or "wait_for(" in at.code:
        return False
    sent = failure.sent or ""
    took = sent.startswith(("text ", "binary")) and failure.action == "sent"
    return _from_another(failure) or (
        took and len(re.findall(RECEIVES, evidence.code)) == 1
    )


def _from_another(failure: Failure) -> bool:
    """What has not come is what somebody else has sent."""
    told_of_two = not failure.who and ": nothing for" in failure.got
    return told_of_two or re.search(r"; \S.* sent ", failure.sent or "") is not None


def _line_that_counts(failure: Failure, evidence: Evidence, file: Path) -> Line | None:
    """The only line that hands a message on; or takes somebody out, if that is it."""
    if not _from_another(failure):
        return None
    pattern = REMOVES if failure.misconception == "M51" else SENDS
    places = evidence.find_all(pattern)
    return Line(str(file), *places[0]) if len(places) == 1 else None


def _returning(called: str, file: Path, source: str) -> Line | None:
    """The only line at which a function of the file returns, or else its first."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it has been changed since it ran
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == called:
            ends = [n.lineno for n in ast.walk(node) if isinstance(n, ast.Return)]
            number = ends[0] if len(ends) == 1 else node.lineno
            return Line(str(file), number, source.splitlines()[number - 1])
    return None
