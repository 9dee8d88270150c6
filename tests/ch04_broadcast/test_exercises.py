"""What the exercises of chapter 4 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.

No wait proves that nothing came: the next message does. A send to somebody waits only
while nobody reads there and the systems keep no more, and only while it waits can
somebody leave in the middle of a broadcast. So most checks need a client that stalls
for a moment: `dy`, for whom the systems keep little. HUGE is more than that.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from textwrap import shorten
from typing import cast

from workbook.answer import Answer
from workbook.client import Client
from workbook.failure import Failure, name, quote
from workbook.process import Report
from workbook.wire import Event

HUGE = "x" * (1 << 20)

SOON = 4.0
"""Seconds within which a handler ends. The texts say 1 s at most; more time than that
is for a machine that stands still, and costs only who is wrong."""

TURNS = 5
"""Pings in a row after which the server has done what it can: each takes a turn of its
event loop at least, and what was sent before the first is read in the next."""

MORE_TURNS = 20
"""Turns of the event loop after which a queue with a few texts has been emptied."""

GONE = "The client has left, and its handler goes on. What does it wait for?"
RAISED = "The client has left. Its handler was to end, and this error ended it."
MARKED = "WebSocketDisconnected: WebSocket is not connected."
RAISED_TOO = (
    "A send to cy failed. After that its own receive raises this, not "
    "WebSocketDisconnect: expect both."
)
NOT_BACK = "What somebody says goes to the others, and not back."
FORM = "The text is in there, with more around it. Send it to the letter."
NEARLY = "Nearly: compare what came with what was expected, letter by letter."
SAME = "Two have the same name, and are two people. What tells them apart?"


def settle(quiet: Client) -> None:
    """Return when the server has done what it can; `quiet` only listens."""
    for _ in range(TURNS):
        if not quiet.ping():
            return  # it stands still: what is asked next will tell


def emptied(answer: Answer) -> Callable[..., Client]:
    """`connect` of an answer in whose room nobody is left of the check before.

    Whose handler has not ended by then would still tell this check's clients.
    """
    deadline = time.monotonic() + soon(answer)
    calls = [r for r in answer.process.reports if r["is"] == "call"]
    for call in calls:
        left = deadline - time.monotonic()
        answer.process.await_report(partial(_ends, call["port"]), left)
    for _ in range(MORE_TURNS if calls else 0):
        # What it has left to another task to tell is told by then.
        if not answer.take_turns(soon(answer)):
            break  # it stands still: what is asked next will tell
    return answer.connect


def soon(answer: Answer) -> float:
    """Seconds to wait for the end of a handler."""
    return min(SOON, answer.reply)


def _ends(port: int, report: Report) -> bool:
    return report["is"] in ("returned", "crash") and report["port"] == port


def say(speaker: Client, text: str, hint: str | None = None) -> None:
    """Say something; whose handler has ended is told with `hint`."""
    speaker.send(text, hint=hint)


def expect_heard(
    listener: Client,
    text: str,
    speaker: Client,
    hint: str,
    misconception: str | None = None,
    *,
    said: str | None = None,
    hints: Mapping[str, str] | None = None,
) -> None:
    """This must be the next that the listener hears, because of what another said.

    Args:
        listener: who must hear it.
        text: the message, to the letter.
        speaker: who said something, or came or left.
        hint: what to say when it does not come.
        misconception: the one that `hint` speaks of, such as "M01".
        said: what the speaker did, where that was not the last.
        hints: what to say instead when a certain other text comes.
    """
    try:
        listener.expect(text)
    except Failure as failure:
        came = str(failure.event.data) if failure.event is not None else ""
        form = FORM if _wraps(came, text) else NEARLY if _is_like(came, text) else None
        keyed = (hints or {}).get(came, form)
        misconception = misconception if keyed is None else None
        _retell(failure, listener, speaker, keyed or hint, misconception, said)
        raise


def _wraps(came: str, text: str) -> bool:
    """Whether this is the text, and more around it: a name, say, or quotes.

    What has a digit more is another text.
    """
    found = rf"(?<!\w){re.escape(text)}(?!\w)"
    return came != text and len(text) < len(came) and bool(re.search(found, came))


def _is_like(came: str, text: str) -> bool:
    """Whether this is another text of the same words, apart from their case."""
    words = [re.findall(r"\w+", one.casefold()) for one in (came, text)]
    return came != text and words[0] == words[1]


def expect_heard_all(
    answer: Answer,
    listener: Client,
    texts: Sequence[str],
    speaker: Client,
    hint: str,
    misconception: str | None = None,
    *,
    said: str | None = None,
) -> None:
    """All these must be the next that the listener hears, in any order."""
    missing = list(texts)
    try:
        while missing:
            expected = " and ".join(quote(text) for text in missing)
            came = listener.receive(expected)
            if came not in missing:
                raise instead_of(expected, answer, listener)
            missing.remove(str(came))
    except Failure as failure:
        _retell(failure, listener, speaker, hint, misconception, said)
        raise


def _retell(
    failure: Failure,
    listener: Client,
    speaker: Client,
    hint: str,
    misconception: str | None,
    said: str | None,
) -> None:
    """Tell what one said, and what the other heard or did not."""
    failure.hint, failure.misconception = hint, misconception
    if failure.event is None or failure.event.kind in ("close", "end"):
        return  # the listener's own conversation has ended: that is the news
    failure.who = ""
    failure.action = f"{speaker.name} sent"
    failure.sent = said or speaker.sent
    failure.got = f"{listener.name}: {failure.got}"
    failure.expected = f"{listener.name}: {failure.expected}"
    if failure.silent:
        failure.port = speaker.port  # whose handler should have sent it


def heard(answer: Answer, client: Client) -> list[Event]:
    """Every message that has come to this client, read or not."""
    kinds = ("text", "binary")
    mine = [e for e in answer.wire if e.client == client.name and e.kind in kinds]
    return [event for event in mine if event.direction == "in"]


def instead_of(expected: str, answer: Answer, client: Client) -> Failure:
    """What to say of the message that this client has received last."""
    event = heard(answer, client)[client.received - 1]
    answer.wire.mark(event, f"expected {expected}")
    return Failure(
        who=client.name,
        sent=client.sent,
        got=name(event),
        expected=expected,
        event=event,
        port=client.port,
        received=client.received - 1,
    )


def expect_end(answer: Answer, client: Client) -> None:
    """The client has left: so must its handler, without an error."""
    try:
        answer.expect_end_of(client, GONE, misconception="M03")
    except Failure as failure:
        if not failure.silent:
            failure.hint = RAISED
        raise


def expect_end_of_dead(answer: Answer, cy: Client) -> None:
    """As `expect_end`, of one to whom a send failed before its handler knew.

    Starlette marks its WebSocket then, and its next receive raises another error.
    """
    try:
        expect_end(answer, cy)
    except Failure as failure:
        raised = failure.got
        if raised.startswith("WebSocketDisconnected: "):
            failure.got = "WebSocketDisconnected, a RuntimeError, in cy's handler"
        if raised.startswith(MARKED):
            failure.hint, failure.misconception = RAISED_TOO, "M01"
            failure.port = None  # of this error in general, less is known
        raise


def visit(answer: Answer, client: str, username: str | None) -> Client:
    """Somebody comes, under a name of their choice."""
    path = "/ws" if username is None else f"/ws?username={username}"
    try:
        return answer.connect(client, path)
    except Failure as failure:
        if failure.event is not None and failure.event.kind == "response":
            failure.hint, failure.misconception = SAME, "M51"
        raise


# 4.1 announce

CAME = "Somebody came, and the others were there before: tell them, in these words."
NOT_SELF = "Nobody is told about themself."
ONCE = "Each is announced once, and what is said comes when it is said."
HEARS = "Who has been accepted hears of all who come after, and what they say."
LEFT = "Somebody has left, and the others must hear of it, however it was."
GONE_SO = "no more: it is gone"


def enter(answer: Answer, name: str, *others: Client, narrow: bool = False) -> Client:
    """Somebody comes and says so: the others hear of the one, then the other."""
    connect = answer.connect if others else emptied(answer)
    client = connect(name, f"/ws?username={name}", narrow=narrow)
    say(client, "hello")
    if not others:
        settle(client)  # or who comes next may hear it
    for other in others:
        said, own = "the handshake and a hello", {f"{other.name} joined": NOT_SELF}
        expect_heard(other, f"{name} joined", client, CAME, said=said, hints=own)
        expect_heard(other, f"{name}: hello", client, ONCE)
    return client


def test_who_comes_is_announced_to_the_others(ex1_announce: Answer) -> None:
    with (
        enter(ex1_announce, "ana") as ana,
        enter(ex1_announce, "bo", ana) as bo,
        enter(ex1_announce, "cy", ana, bo) as cy,
    ):
        say(ana, "welcome")
        own = {"cy joined": NOT_SELF}
        expect_heard(cy, "ana: welcome", ana, HEARS, hints=own)
        expect_heard(bo, "ana: welcome", ana, ONCE)
        say(cy, "thanks")
        expect_heard(ana, "cy: thanks", cy, NOT_BACK)
        expect_heard(bo, "cy: thanks", cy, HEARS)


def test_who_says_goodbye_is_announced_once(ex1_announce: Answer) -> None:
    with enter(ex1_announce, "ana") as ana, enter(ex1_announce, "bo", ana) as bo:
        with enter(ex1_announce, "cy", ana, bo) as cy:
            pass
        expect_end(ex1_announce, cy)
        expect_left(ex1_announce, ana, bo, cy)


def test_who_vanishes_is_announced_once(ex1_announce: Answer) -> None:
    with enter(ex1_announce, "ana") as ana, enter(ex1_announce, "bo", ana) as bo:
        cy = enter(ex1_announce, "cy", ana, bo)
        cy.abort()
        expect_end(ex1_announce, cy)
        expect_left(ex1_announce, ana, bo, cy)


def expect_left(answer: Answer, ana: Client, bo: Client, *gone: Client) -> None:
    """It is told to both, once for each who has gone, and nothing else comes of it."""
    say(ana, "so few")
    say(bo, "indeed")
    told = [f"{client.name} left" for client in gone]
    for other in (ana, bo):
        expect_heard_all(answer, other, told, gone[-1], LEFT, said=GONE_SO)
    expect_heard(bo, "ana: so few", ana, ONCE)
    expect_heard(ana, "bo: indeed", bo, ONCE)


def test_two_who_vanish_at_once_are_both_announced(ex1_announce: Answer) -> None:
    with enter(ex1_announce, "ana") as ana, enter(ex1_announce, "bo", ana) as bo:
        cy = enter(ex1_announce, "cy", ana, bo)
        ey = enter(ex1_announce, "ey", ana, bo, cy)
        cy.abort()
        ey.abort()
        for gone in (cy, ey):
            expect_end(ex1_announce, gone)
        expect_left(ex1_announce, ana, bo, cy, ey)


def test_who_leaves_while_being_announced_is_announced_as_well(
    ex1_announce: Answer,
) -> None:
    with enter(ex1_announce, "ana") as ana, enter(ex1_announce, "bo", ana) as bo:
        dy = enter(ex1_announce, "dy", ana, bo, narrow=True)
        dy.stall()
        say(bo, HUGE)
        expect_heard(ana, f"bo: {HUGE}", bo, HEARS)
        ey = ex1_announce.connect("ey", "/ws?username=ey")
        settle(ana)
        ey.abort()
        settle(ana)
        dy.read_on()
        expect_end(ex1_announce, ey)
        say(ana, "who was that?")
        say(bo, "who?")
        hint = "ey left while ey was being announced. Both are told, in this order."
        for other in (ana, bo):
            for text in ("ey joined", "ey left"):
                expect_heard(other, text, ey, hint, said=GONE_SO)
        expect_heard(bo, "ana: who was that?", ana, ONCE)
        expect_heard(ana, "bo: who?", bo, ONCE)


def test_nobody_who_has_died_keeps_the_others_from_hearing(
    ex1_announce: Answer,
) -> None:
    with enter(ex1_announce, "ana") as ana:
        cy = enter(ex1_announce, "cy", ana)
        dy = enter(ex1_announce, "dy", ana, cy, narrow=True)
        dy.stall()
        say(cy, HUGE)
        expect_heard(ana, f"cy: {HUGE}", cy, HEARS)
        say(cy, "and")
        settle(ana)
        cy.abort()
        settle(ana)
        # While dy does not read, cy's handler may still be telling cy's last word.
        with (
            ex1_announce.connect("ey", "/ws?username=ey") as ey,
            ex1_announce.connect("fy", "/ws?username=fy") as fy,
        ):
            settle(ana)
            dy.read_on()
            expect_end_of_dead(ex1_announce, cy)
            told = ["cy: and", "cy left", "ey joined", "fy joined"]
            hint = "cy had gone when others came, unnoticed. A send to it may raise."
            expect_heard_all(ex1_announce, ana, told, fy, hint, "M01")
            say(ana, "welcome")
            late = ["cy left", "cy: and"]
            expect_after(ex1_announce, ey, "ana: welcome", late, needed="fy joined")
            expect_after(ex1_announce, fy, "ana: welcome", [*late, "ey joined"])
            say(ey, "thanks")
            expect_heard(ana, "ey: thanks", ey, HEARS, "M01")
            expect_heard(fy, "ey: thanks", ey, HEARS, "M01")


def test_two_of_the_same_name_are_both_announced(ex1_announce: Answer) -> None:
    joined, left = "Anonymous joined", "Anonymous left"
    with enter(ex1_announce, "ana") as ana, visit(ex1_announce, "bo", None) as bo:
        expect_heard(ana, joined, bo, CAME)
        with (
            visit(ex1_announce, "cy", None) as cy,
            visit(ex1_announce, "dy", None) as dy,
        ):
            for other in (cy, dy):
                expect_heard(ana, joined, other, SAME, "M51")
            cy.close()
            expect_end_of_namesake(ex1_announce, cy)
            dy.abort()
        expect_end_of_namesake(ex1_announce, dy)
        say(ana, "who was that?")
        for other, told in ((ana, [left] * 2), (bo, [joined, left] * 2)):
            expect_heard_all(ex1_announce, other, told, dy, SAME, "M51", said=GONE_SO)
        expect_heard(bo, "ana: who was that?", ana, SAME, "M51")
        say(bo, "who?")
        expect_heard(ana, "Anonymous: who?", bo, SAME, "M51")


def expect_end_of_namesake(answer: Answer, client: Client) -> None:
    """As `expect_end`, where another of this name may have been removed instead."""
    try:
        expect_end(answer, client)
    except Failure as failure:
        if not failure.silent:
            failure.hint, failure.misconception = SAME, "M51"
        raise


def expect_after(
    answer: Answer,
    client: Client,
    text: str,
    before: Sequence[str],
    *,
    needed: str | None = None,
) -> None:
    """This must come, and before it what is needed; these may come before it."""
    came: list[str | bytes] = []
    known = [*before] if needed is None else [*before, needed]
    try:
        while (message := client.receive(quote(text))) != text:
            came.append(message)
            if message not in known or message in came[:-1]:
                raise instead_of(quote(text), answer, client)
        if needed is not None and needed not in came:
            raise instead_of(quote(needed), answer, client)
    except Failure as failure:
        failure.hint = HEARS
        raise


# 4.2 survivor

NEWS = "What somebody says goes to all others, once and in order."
BURST = [f"text {number}" for number in range(1, 11)]
SURVIVES = "One of them is dead. Those who come after it in the loop are not."


def test_what_one_says_goes_to_all_others_and_not_back(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with connect("ana") as ana, connect("bo") as bo, connect("cy") as cy:
        say(ana, "one")
        for other in (bo, cy):
            expect_heard(other, "one", ana, NEWS)
        say(bo, "two")
        expect_heard(ana, "two", bo, NOT_BACK)
        expect_heard(cy, "two", bo, NEWS)
        with ana.together():
            for text in BURST:
                say(ana, text)
        for other in (bo, cy):
            for text in BURST:
                expect_heard(other, text, ana, NEWS, said="10 texts at once")


def test_who_has_left_is_missed_by_nobody(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with connect("cy") as cy, connect("ana") as ana, connect("bo") as bo:
        with connect("dy") as dy:
            say(dy, "bye")
            for other in (cy, ana, bo):
                expect_heard(other, "bye", dy, NEWS)
        cy.abort()
        for gone in (cy, dy):
            expect_end(ex2_survivor, gone)
        say(ana, "are we alone?")
        expect_heard(bo, "are we alone?", ana, SURVIVES, "M01")
        say(bo, "yes")
        expect_heard(ana, "yes", bo, SURVIVES, "M01")


def test_nobody_is_skipped_when_one_leaves_meanwhile(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with (
        connect("cy") as cy,
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("bo") as bo,
        connect("ey") as ey,
    ):
        dy.stall()
        say(ana, HUGE)
        for other in (cy, bo, ey):
            expect_heard(other, HUGE, ana, NEWS)
        say(ana, "one")
        settle(cy)
        cy.close()  # while dy keeps ana's handler waiting, maybe
        expect_end(ex2_survivor, cy)
        dy.read_on()
        hint = "cy left while this loop waited for dy. Who comes next in it then?"
        say(ana, "two", hint)
        say(bo, "three")
        expect_heard(ana, "three", bo, hint, "M10")
        for text in ("one", "two"):
            expect_heard(bo, text, ana, hint, "M10", said=quote(text))
        told = ["one", "two", "three"]
        expect_heard_all(ex2_survivor, ey, told, ana, hint, "M10")
        expect_heard(dy, HUGE, ana, NEWS)
        expect_heard_all(ex2_survivor, dy, told, ana, NEWS)


def test_one_dead_client_does_not_silence_the_room(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with (
        connect("cy") as cy,
        connect("dy", narrow=True) as dy,
        connect("ana") as ana,
        connect("bo") as bo,
        connect("ey") as ey,
    ):
        dy.stall()
        say(cy, HUGE)
        for other in (ana, bo, ey):
            expect_heard(other, HUGE, cy, NEWS)
        say(cy, "last words")
        settle(ey)
        cy.abort()
        settle(ey)
        # While dy does not read, cy's handler may still be sending cy's last words.
        say(ana, "one", SURVIVES)
        settle(ey)
        say(bo, "two", SURVIVES)
        settle(ey)
        dy.read_on()
        for other, text, speaker in ((ana, "two", bo), (bo, "one", ana)):
            told = ["last words", text]
            expect_heard_all(ex2_survivor, other, told, speaker, SURVIVES, "M01")
        for other, text, speaker in ((bo, "three", ana), (ana, "four", bo)):
            say(speaker, text, SURVIVES)
            expect_heard(other, text, speaker, SURVIVES, "M01")
        expect_heard(dy, HUGE, cy, NEWS)
        told = ["last words", "one", "two", "three", "four"]
        expect_heard_all(ex2_survivor, dy, told, bo, NEWS)
        expect_end_of_dead(ex2_survivor, cy)


def test_who_leaves_further_on_stops_no_text(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with (
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("cy") as cy,
        connect("bo") as bo,
    ):
        dy.stall()
        say(ana, HUGE)
        for other in (cy, bo):
            expect_heard(other, HUGE, ana, NEWS)
        say(ana, "one")
        settle(bo)
        cy.close()  # behind dy, who keeps ana's handler waiting, maybe
        expect_end(ex2_survivor, cy)
        dy.read_on()
        hint = "cy left, and this loop was still to come to cy. Does it go on to bo?"
        say(ana, "two", hint)
        say(bo, "three")
        expect_heard(ana, "three", bo, hint, "M10")
        for text in ("one", "two"):
            expect_heard(bo, text, ana, hint, "M10", said=quote(text))
        expect_heard(dy, HUGE, ana, NEWS)
        expect_heard_all(ex2_survivor, dy, ["one", "two", "three"], ana, NEWS)


def test_no_error_goes_unseen(ex2_survivor: Answer) -> None:
    connect = emptied(ex2_survivor)
    with connect("ana") as ana, connect("bo") as bo:
        with connect("dy", narrow=True) as dy, connect("ey", narrow=True) as ey:
            for dead in (dy, ey):
                dead.stall()
            say(ana, HUGE)
            expect_heard(bo, HUGE, ana, NEWS)
            say(ana, "one")
            settle(bo)
            for dead in (dy, ey):
                dead.abort()  # while somebody waits for it, maybe
        for dead in (dy, ey):
            expect_end_of_dead(ex2_survivor, dead)
        expect_heard(bo, "one", ana, SURVIVES, "M01")
    for gone in (ana, bo):
        expect_end(ex2_survivor, gone)
    emptied(ex2_survivor)
    ex2_survivor.expect_no_lost_error()


# 4.3 slow

INBOX = 100  # texts, as the exercise says
FEWER = INBOX - 3
MORE = INBOX + 5  # for answers that count the text which is being sent, or do not

AT_ONCE = "Who reads must not wait for dy, who does not. Who does the waiting?"
IN_TIME = f"Fewer than {INBOX} texts waited for dy, and dy reads on. Nothing is lost."
LOST = "dy is let go, and this text to bo is lost. Does the loop go on to bo?"
CLOSES = "close() waits behind all that dy does not read. What ends dy without waiting?"
LET_GO = f"dy read nothing, and more than {INBOX} texts came. Let it go: who ends it?"
CAUGHT = "dy was let go, and its handler ended with this error. Where do you catch it?"
STAYS = "Somebody was let go or has left, and a task goes on. Who ends it?"


def talk(answer: Answer, ana: Client, bo: Client, count: int) -> None:
    """One says so many texts, and another hears them, a handful at a time."""
    try:
        _talk(ana, bo, count)
    except Failure as failure:
        if failure.silent and closes(answer, ana):
            failure.hint = CLOSES
        raise


def closes(answer: Answer, client: Client) -> bool:
    """Whether this client's handler waits for a close()."""
    server = answer.server
    waiting = server.waiting(client.port) if server is not None else []
    return any(".close(" in line.code for line in waiting)


def _talk(ana: Client, bo: Client, count: int) -> None:
    for first in range(1, count + 1, 10):
        last = min(first + 9, count)
        texts = [f"text {number}" for number in range(first, last + 1)]
        for text in texts:
            say(ana, text, AT_ONCE)
        for number, text in enumerate(texts, 1):
            later = dict.fromkeys(texts[number:], LOST)
            said = quote(text)
            expect_heard(bo, text, ana, AT_ONCE, "M32", said=said, hints=later)


def test_what_one_says_goes_to_all_others(ex3_slow: Answer) -> None:
    connect = emptied(ex3_slow)
    with connect("ana") as ana, connect("bo") as bo, connect("cy") as cy:
        for text in ("one", "two", "three"):
            say(ana, text)
        for other in (bo, cy):
            for text in ("one", "two", "three"):
                expect_heard(other, text, ana, NEWS)
        say(bo, "four")
        expect_heard(ana, "four", bo, NOT_BACK)
        expect_heard(cy, "four", bo, NEWS)


def test_who_reads_on_in_time_has_lost_nothing(ex3_slow: Answer) -> None:
    connect = emptied(ex3_slow)
    with (
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("bo") as bo,
    ):
        dy.stall()
        say(ana, HUGE)
        expect_heard(bo, HUGE, ana, NEWS)
        talk(ex3_slow, ana, bo, FEWER)
        settle(bo)
        expect_patience(ex3_slow, dy)
        dy.read_on()
        expect_heard(dy, HUGE, ana, IN_TIME)
        for number in range(1, FEWER + 1):
            expect_heard(dy, f"text {number}", ana, IN_TIME)
        say(dy, "I am back")
        for other in (ana, bo):
            expect_heard(other, "I am back", dy, IN_TIME)


def expect_patience(answer: Answer, dy: Client) -> None:
    """The handler of who does not read must go on, for fewer than INBOX texts wait."""
    answer.take_turns(soon(answer))  # what it has reported until now has come by then
    if any(_ends(dy.port, report) for report in answer.process.reports):
        raise Failure(
            who="",
            action="ana sent",
            sent=f"1 MiB and {FEWER} texts, and dy read nothing",
            got="the end of dy's handler",
            expected=f"dy still there: no more than {INBOX} texts wait",
            hint=f"dy may read on in time: {FEWER} texts are not too many. Who let go?",
        )


def test_who_does_not_read_is_let_go(ex3_slow: Answer) -> None:
    connect = emptied(ex3_slow)
    with (
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("bo") as bo,
    ):
        overwhelm(ex3_slow, ana, dy, bo)
        try:
            ex3_slow.expect_end_of(
                dy, LET_GO, within=soon(ex3_slow), misconception="M32"
            )
        except Failure as failure:
            failure.action = "ana sent"
            failure.sent = f"1 MiB and {MORE} texts, and dy read nothing"
            failure.expected = "the end of dy's handler, without an error"
            if not failure.silent:
                failure.hint, failure.misconception = CAUGHT, None
            elif ex3_slow.server is not None:
                waiting = ex3_slow.server.waiting(dy.port)
                failure.where = waiting[0] if len(waiting) == 1 else None
                if ".close(" in ex3_slow.file.read_text("utf-8", "replace"):
                    # maybe in a task of its own
                    failure.hint, failure.misconception = CLOSES, "M60"
            raise
        say(ana, "where is dy?")
        expect_heard(bo, "where is dy?", ana, "dy was let go. Nobody else was.")
        say(bo, "gone")
        expect_heard(ana, "gone", bo, "dy was let go. Nobody else was.")
        dy.abort()


def overwhelm(answer: Answer, ana: Client, dy: Client, bo: Client) -> None:
    """More is said than may wait for dy, who reads nothing; bo, behind it, reads."""
    dy.stall()
    say(ana, HUGE)
    expect_heard(bo, HUGE, ana, NEWS)
    talk(answer, ana, bo, MORE)


def test_who_was_let_go_is_out_of_the_room_at_once(ex3_slow: Answer) -> None:
    connect = emptied(ex3_slow)
    with (
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("bo") as bo,
    ):
        overwhelm(ex3_slow, ana, dy, bo)
        dy.read_on()  # too late
        expected = "the end of the connection"
        hint = "So much has waited for dy. It is to end when there is too much."
        while True:
            try:
                came = dy.receive(expected)
            except Failure as failure:
                if failure.event is None or failure.event.kind not in ("close", "end"):
                    failure.hint = LET_GO
                    raise
                ex3_slow.wire.mark(failure.event, None)
                break
            if came == f"text {MORE}":
                failure = instead_of(expected, ex3_slow, dy)
                failure.hint, failure.misconception = hint, "M32"
                raise failure
        ex3_slow.expect_end_of(dy, LET_GO, within=soon(ex3_slow))


def test_no_task_is_left_over(ex3_slow: Answer) -> None:
    connect = emptied(ex3_slow)
    with (
        connect("ana") as ana,
        connect("dy", narrow=True) as dy,
        connect("bo") as bo,
    ):
        overwhelm(ex3_slow, ana, dy, bo)
        dy.abort()
    emptied(ex3_slow)
    ex3_slow.expect_no_task_left(STAYS)


# 4.4 namesakes

RENAMED = "The name shown is not the one its sender came with. Show that one."
TYPED = ('"Yes", said ana', "C:\\new\\caf\u00e9", "one line\nand another")
BY_HAND = "A text may hold quotes, backslashes, lines. Let json.dumps() write the JSON."


def converse(
    speaker: Client,
    username: str,
    text: str,
    *others: Client,
    hint: str = SAME,
    misconception: str | None = "M51",
) -> None:
    """Somebody says something, and it must be the next that the others hear."""
    say(speaker, text, hint)
    for other in others:
        expect_said(other, speaker, username, text, hint, misconception)


def expect_said(
    listener: Client,
    speaker: Client,
    username: str,
    text: str,
    hint: str = SAME,
    misconception: str | None = "M51",
) -> None:
    """This, said under this name, must be the next that the listener hears."""
    try:
        listener.expect_json({"username": username, "message": text})
    except Failure as failure:
        came = said_in(failure.event)
        if came and came.keys() != {"username", "message"}:
            keys = shorten(", ".join(map(json.dumps, came)), 60, placeholder=" …")
            hint = f'Its keys are to be "username" and "message". These came: {keys}.'
            misconception = None
        elif came.get("message") == text and came.get("username") != username:
            hint = RENAMED
        elif quote(str(came.get("message"))) == listener.sent:
            hint, misconception = NOT_BACK, None
        _retell(failure, listener, speaker, hint, misconception, quote(text))
        raise


def said_in(event: Event | None) -> Mapping[str, object]:
    """The keys and values of a text that holds a JSON object, or none."""
    try:
        value = json.loads(event.data or "") if event is not None else None
    except ValueError:
        return {}
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def test_all_others_hear_who_said_what(ex4_namesakes: Answer) -> None:
    emptied(ex4_namesakes)
    hint = "What somebody says goes to all others, as JSON with these two keys."
    speak = partial(converse, hint=hint, misconception=None)
    with (
        visit(ex4_namesakes, "ana", "ana") as ana,
        visit(ex4_namesakes, "bo", "bo") as bo,
        visit(ex4_namesakes, "cy", None) as cy,
    ):
        speak(ana, "ana", "one", bo, cy)
        speak(bo, "bo", "two", ana, cy)
        speak(cy, "Anonymous", "three", ana, bo)


def test_two_of_the_same_name_hear_each_other(ex4_namesakes: Answer) -> None:
    emptied(ex4_namesakes)
    with (
        visit(ex4_namesakes, "cy", "cy") as cy,
        visit(ex4_namesakes, "ana", "Sam") as ana,
        visit(ex4_namesakes, "bo", "Sam") as bo,
    ):
        converse(ana, "Sam", "hello", cy)
        say(cy, "hello, Sam")
        expect_said(bo, ana, "Sam", "hello")
        for sam in (bo, ana):
            expect_said(sam, cy, "cy", "hello, Sam")
        converse(bo, "Sam", "hello", ana, cy)
        converse(ana, "Sam", "hello", bo, cy)


def test_two_without_a_name_hear_each_other(ex4_namesakes: Answer) -> None:
    emptied(ex4_namesakes)
    with (
        visit(ex4_namesakes, "ana", None) as ana,
        visit(ex4_namesakes, "bo", None) as bo,
    ):
        converse(ana, "Anonymous", "one", bo)
        converse(bo, "Anonymous", "two", ana)


def test_who_stays_is_heard_when_a_namesake_has_left(ex4_namesakes: Answer) -> None:
    emptied(ex4_namesakes)
    hint = "Of two Sams one has left. The other stays. Who is removed?"
    speak = partial(converse, hint=hint)
    end = partial(ex4_namesakes.expect_end_of, hint=hint, misconception="M51")
    with (
        visit(ex4_namesakes, "cy", "cy") as cy,
        visit(ex4_namesakes, "ey", "Sam") as ey,
    ):
        with (
            visit(ex4_namesakes, "ana", "Sam") as ana,
            visit(ex4_namesakes, "bo", "Sam") as bo,
        ):
            ana.close()
            end(ana)
            speak(bo, "Sam", "one", cy, ey)
            speak(cy, "cy", "two", bo, ey)
            with visit(ex4_namesakes, "dy", "Sam") as dy:
                speak(dy, "Sam", "three", bo, cy, ey)
                speak(bo, "Sam", "four", dy, cy, ey)
                speak(ey, "Sam", "five", dy, bo, cy)
                dy.abort()
            end(dy)
            speak(cy, "cy", "six", bo, ey)
        end(bo)
        speak(ey, "Sam", "seven", cy)
        speak(cy, "cy", "eight", ey)


def test_whatever_is_typed_arrives(ex4_namesakes: Answer) -> None:
    emptied(ex4_namesakes)
    speak = partial(converse, hint=BY_HAND, misconception=None)
    with (
        visit(ex4_namesakes, "ana", "ana") as ana,
        visit(ex4_namesakes, "bo", "bo") as bo,
    ):
        for text in TYPED:
            speak(ana, "ana", text, bo)
