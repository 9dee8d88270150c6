"""What the exercises of chapter 2 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.

The checks set the files' intervals, short where a tick is awaited and LONG where none
may come. No wait proves that nothing came: the next message does. And no clock proves
that something came late or early: a machine may stand still, ours or the server's, for
a second or two. What that cannot change is that a text was received after it was sent,
and that a message was sent before it came. Where this does not tell, what happened is
no proof, neither for an answer nor against it: the check begins anew, and the longer
interval makes the same moment a short one.
"""

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbook.answer import Answer, line
from workbook.client import REPLY, Client
from workbook.failure import Failure, Line, name, name_close
from workbook.wire import Event, Kind

LONG = 600.0
"""Seconds of an interval that does not end while a check lasts."""

SOON = 1.5
"""Seconds within which a handler ends when its client has left. The texts say 0.5 s:
a busy machine has three times as long, and more if it stands still."""

FEW = 4
"""Messages that may be under way, or come a little later than others."""


def scales(
    answer: Answer, constant: str, first: float, *factors: int
) -> Iterator[float]:
    """Intervals in seconds to which a constant has been set, each with a wire anew.

    Nearly always the first one tells; the next are so many times as long.
    """
    for factor in (1, *factors):
        answer.begin()
        answer.set(**{constant: factor * first})
        yield factor * first


EARLY = 0.95
"""So many times its interval a pause lasts at least. Not 1, for uvloop counts whole
milliseconds: 0.02 s of its sleep() lasted 0.0193 s."""

LATE = 1.3
"""So many times its interval something may take before it is looked at again."""

ATTEMPTS = (1, 12, 20, 40)
"""How many times as long the interval is, when it is. Whoever stands still is late by
some time; who waits for twice the interval is late by more, the longer it is."""

BRIEF = 0.15
"""Seconds in which nothing comes by itself when an interval is LONG, but does where it
is the usual one, whatever was asked for."""


def heard(answer: Answer, client: Client) -> list[Event]:
    """Every message that has come to this client, read or not."""
    kinds = ("text", "binary")
    mine = [e for e in answer.wire if e.client == client.name and e.kind in kinds]
    return [event for event in mine if event.direction == "in"]


def said(answer: Answer, client: Client) -> list[Event]:
    """Every text that this client has sent."""
    mine = [e for e in answer.wire if e.client == client.name and e.kind == "text"]
    return [event for event in mine if event.direction == "out"]


def instead_of(
    expected: str, answer: Answer, client: Client, hint: str, place: int = 0
) -> Failure:
    """What to say of the message that this client has received last, or as number
    `place`, from 1."""
    place = place or client.received
    event = heard(answer, client)[place - 1]
    answer.wire.mark(event, f"expected {expected}")
    return Failure(
        who=client.name,
        sent=client.sent,
        got=name(event),
        expected=expected,
        hint=hint,
        event=event,
        port=client.port,
        received=place - 1,
    )


def expect_among(
    answer: Answer,
    client: Client,
    text: str,
    others: str | tuple[str, ...],
    hint: str,
) -> None:
    """This text must come, before it only a few that begin with one of `others`."""
    wanted, left, fenced = f'text "{text}"', FEW, False
    try:
        while (came := client.receive(wanted)) != text:
            left -= 1
            if not str(came).startswith(others) or (fenced and left < 0):
                raise instead_of(wanted, answer, client, hint)
            if left < 0:
                # What comes before the pong may have been sent before the text came.
                fenced = True
                client.ping()
                left = len(heard(answer, client)) - client.received + FEW
    except Failure as failure:
        failure.hint = hint  # also when nothing came
        raise


def expect_echoes(
    answer: Answer, client: Client, beats: tuple[str, ...], *texts: str
) -> None:
    """These texts must be echoed, and no beat come before them: none is due yet."""
    for text in texts:
        client.send(text)
    for text in texts:
        try:
            client.expect(text, hint=ORDER, hints=dict.fromkeys(beats, SHORT))
        except Failure as failure:
            if failure.silent:
                failure.hint = WAITS
            raise


ORDER = "Each text is echoed as it is, in the order in which they came."
SHORT = "Each text cuts a pause short. What is it that ends the waiting?"
WAITS = "The echo waits, or is lost. Nothing may stand between a text and its echo."


@dataclass(frozen=True)
class Beats:
    """What comes by itself, one every STEP seconds."""

    texts: tuple[str, ...]
    at_once: int  # so many of them do not wait
    hint: str  # where they do not come
    others: str  # where something else comes
    sooner: str  # where they come before their time
    last: str | None = None  # where nothing comes instead of the last

    def pauses(self, place: int) -> int:
        """How many there are before the text of this place, from 1."""
        return place - self.at_once


def expect_first(answer: Answer, client: Client, beats: Beats, hint: str) -> None:
    """The first text must not wait for STEP seconds, and the second must: it is LONG.

    Args:
        answer: the answer under test.
        client: one that has come and says nothing.
        beats: what comes.
        hint: what to say where nothing comes.
    """
    try:
        client.expect(beats.texts[0], hint=hint)
    except Failure as failure:
        if failure.silent:
            failure.where = pausing(answer)
        else:
            failure.hint = beats.others
        raise
    expect_no_more(answer, client, beats.sooner)


def expect_no_more(answer: Answer, client: Client, hint: str) -> None:
    """Nothing comes by itself where the interval is LONG."""
    for pause in (0, BRIEF):
        time.sleep(pause)
        takes_turns(client)
        if len(heard(answer, client)) > client.received:
            expected = f"nothing more for STEP = {LONG:g} s"
            raise instead_of(expected, answer, client, hint, client.received + 1)


def takes_turns(client: Client) -> bool:
    """Whether the server's event loop runs: what was due has been done when it does.

    Each ping comes after the last one's pong, so each takes the loop a turn of its own,
    and a pause that is over ends in the first.
    """
    return all(client.ping() for _ in range(2 * FEW))


def pausing(answer: Answer) -> Line | None:
    """The only line at which the app waits for something else than a message."""
    waiting = set() if answer.server is None else set(answer.server.waiting())
    receives = re.compile(r"\.(receive|iter)_?\w*\(")
    found = [one for one in waiting if not receives.search(one.code)]
    return found[0] if len(found) == 1 else None


def expect_pace(answer: Answer, beats: Beats, usual: float) -> None:
    """To a client that says nothing they come in time: neither sooner nor later.

    Sooner is never a machine's fault. Later may be: who was late is asked again, and
    refused only where a pause was over when the server did other things.

    Args:
        answer: the answer under test.
        beats: what comes.
        usual: seconds to which STEP is set; more where this did not tell.
    """
    in_time = 0  # twice: it may be a pause of this very length, whatever STEP is
    for step in scales(answer, "STEP", usual, *ATTEMPTS):
        with answer.connect("ana") as ana:
            if step > usual:
                in_time += keeps_pace(answer, ana, beats, step)
            elif come_in_time(answer, ana, beats, step):
                return
        if in_time == 2:
            return


def come_in_time(answer: Answer, client: Client, beats: Beats, step: float) -> bool:
    """Whether all of them come, and the last is not late."""
    began, count = asked_at(answer, client), len(beats.texts)
    end = began + LATE * beats.pauses(count) * step
    while answer.wire.now() < end and not is_closed(answer, client):
        if len(heard(answer, client)) >= count:
            break
        time.sleep(step / 20)
    came = heard(answer, client)[:count]
    pauses = beats.pauses(len(came))
    slow = pauses < 1 or came[-1].time - began >= LATE * pauses * step
    there = len(came) if slow and not is_closed(answer, client) else count
    for place in range(1, there + 1):
        expect_beat(answer, client, beats, place, step)
    return there == count and heard(answer, client)[count - 1].time < end


def keeps_pace(answer: Answer, client: Client, beats: Beats, step: float) -> bool:
    """Whether the first two come in time; False where it may have been a machine.

    Raises:
        Failure: the pause was over, the server did other things, and nothing came.
    """
    for place in (1, 2):
        before = [e for e in answer.wire if e.kind in ("response", "text")][-1]
        overdue = beats.pauses(place) > 0 and is_overdue(answer, client, step)
        where = pausing(answer) if overdue else None
        expect_beat(answer, client, beats, place, step, where)
        if overdue:
            hint = "One is to come every STEP seconds. Yours take longer."
            event = heard(answer, client)[place - 1]
            failure = instead_of(f"one every {step:g} s", answer, client, hint)
            since = "the handshake" if before.kind == "response" else name(before)
            failure.got += f" {event.time - before.time:.2f} s after {since}"
            failure.where = where
            raise failure
    first, second = heard(answer, client)[:2]
    began = first.time if beats.at_once else asked_at(answer, client)
    return second.time - began < LATE * beats.pauses(2) * step


def expect_beat(
    answer: Answer,
    client: Client,
    beats: Beats,
    place: int,
    step: float,
    where: Line | None = None,
) -> None:
    """The text of this place must be the next to come, and not before its time."""
    try:
        client.expect(beats.texts[place - 1], hint=beats.hint)
    except Failure as failure:
        if not failure.silent:
            failure.hint = beats.others
        elif beats.last is not None and place == len(beats.texts):
            sends = answer.process.ask("sends", port=client.port) or {}
            failure.where = line([*sends.get("lines", []), None][place - 2])
            failure.hint = beats.last
        else:
            failure.where = where
        raise
    pauses = beats.pauses(place)
    took = heard(answer, client)[place - 1].time - asked_at(answer, client)
    if took < EARLY * pauses * step:
        text = name(heard(answer, client)[place - 1])
        expected = f"{text} after {pauses * step:g} s, as STEP = {step:g} s"
        failure = instead_of(expected, answer, client, beats.sooner)
        failure.got += f" {took:.2f} s after the handshake"
        raise failure


def asked_at(answer: Answer, client: Client) -> float:
    """When this client asked for its WebSocket: nothing had begun before."""
    mine = (event for event in answer.wire if event.client == client.name)
    return next(event.time for event in mine if event.kind == "request")


def is_overdue(answer: Answer, client: Client, step: float) -> bool:
    """Whether nothing comes although a pause is over, and the server is not busy.

    The pause that is meant began before the server answered to a ping that came after
    the last message.
    """
    came = len(heard(answer, client))

    def waits() -> bool:
        return len(heard(answer, client)) == came and not is_closed(answer, client)

    if not takes_turns(client):
        return False
    end = time.monotonic() + LATE * step
    while waits() and time.monotonic() < end:
        time.sleep(step / 100)
    return waits() and takes_turns(client) and waits()


def talk(
    answer: Answer,
    client: Client,
    say: Callable[[str], None],
    beats: tuple[str, ...],
    step: float,
    enough: int,
    read: Kind = "text",
) -> bool | None:
    """Whether a client that talks gets beats in time; None where this does not tell.

    Args:
        answer: the answer under test.
        client: the client.
        say: sends a text; when it returns the server has read that.
        beats: how texts begin that come by themselves, one every `step` seconds.
        step: seconds.
        enough: so many beats are enough.
        read: of what kind the answer is that tells that a text has been read.
    """
    verdict, came, number = None, 0, 0
    end = time.monotonic() + 6 * step
    while verdict is not False and came < enough and time.monotonic() < end:
        time.sleep(step / 8)
        number += 1
        say(f"text {number}")
        verdict = keeps_time(answer, client, beats, step, read)
        came = sum(str(e.data).startswith(beats) for e in heard(answer, client))
    return verdict


def keeps_time(
    answer: Answer, client: Client, beats: tuple[str, ...], step: float, read: Kind
) -> bool | None:
    """What the wire says of the beats that this client got while it talked.

    A beat that comes less than `step` seconds after a text was sent is none whose pause
    began when that text was received. Of the texts that had been received, it is the
    last but two that counts: the last may have come as the pause ended. And where one
    text after the other is received, sent when a beat was overdue, it does not come.
    """
    sent, received = [event.time for event in said(answer, client)], 0
    due, late, steady = math.inf, 0, None
    for event in [e for e in answer.wire if e.client == client.name]:
        if event.direction == "in" and str(event.data).startswith(beats):
            early = received > 2 and event.time - sent[received - 3] < step
            due, late, steady = math.inf, 0, early or steady
        elif event.direction == "in" and event.kind == read:
            due = min(due, event.time + 1.5 * step)
            late += sent[received] > due
            received += 1
        if late >= FEW:
            return False
    return steady


def expect_end(answer: Answer, client: Client) -> None:
    """The client has left: so must its handler, and all that it started."""
    hint = "The client has left, and its handler goes on. What does it wait for?"
    try:
        answer.expect_end_of(client, hint, within=SOON, misconception="M03")
    except Failure as failure:
        if not failure.silent or not ends(answer, client):
            if failure.silent and answer.server is not None:
                waiting = answer.server.waiting(client.port)
                failure.where = waiting[0] if len(waiting) == 1 else None
            raise
    hint = "A task goes on when its handler has returned. Cancel it, then await it."
    answer.expect_nothing_left(client, hint)


def ends(answer: Answer, client: Client) -> bool:
    """Whether the handler ends while the server runs, as its answers show.

    It may have stood still: then SOON was over, and the handler had not run.
    """
    for _ in range(2 * FEW):
        told = [r for r in answer.process.reports if r["is"] in ("returned", "crash")]
        if client.port in [report["port"] for report in told]:
            return True
        answer.process.ask("where", timeout=REPLY)  # it asks the event loop, too
        time.sleep(0.01)
    return False


# 2.1 countdown

NUMBERS = ("5", "4", "3", "2", "1", "0")
STEP = 0.15  # seconds between two numbers while a client talks
ANEW = "With each text the pause begins anew, so it never ends."
LOST = "An echo is missing. Who held this text, and was cancelled?"


COUNTDOWN = Beats(
    NUMBERS,
    at_once=1,
    hint="The numbers come by themselves, one every STEP seconds.",
    others="The numbers from 5 to 0 come by themselves.",
    sooner="STEP seconds pass from one number to the next. Which pause is awaited?",
    last="0 is a number like the others, and the last.",
)


def test_it_counts_down_to_0(ex1_countdown: Answer) -> None:
    expect_pace(ex1_countdown, COUNTDOWN, 0.1)
    ex1_countdown.begin()
    ex1_countdown.set(STEP=0.02)
    with ex1_countdown.connect("ana") as ana:
        for number in NUMBERS:
            ana.expect(number, hint=COUNTDOWN.others)
        hint = "The countdown is over, the conversation is not: echo this text."
        ana.send("hello", hint=hint)
        ana.expect("hello", hint=hint)


def test_it_echoes_while_it_counts(ex1_countdown: Answer) -> None:
    for step in scales(ex1_countdown, "STEP", STEP, 4, 8, 16):
        with ex1_countdown.connect("ana") as ana:
            ana.expect("5")
            if echo_comes_first(ex1_countdown, ana, step):
                return


def echo_comes_first(answer: Answer, ana: Client, step: float) -> bool:
    """Whether an echo comes before 0 does; if it does not, that need not tell.

    The number that comes third after the text had been sent tells: it was not sent
    before its time, and to the server the text was there.
    """
    wanted, count = 'text "hello"', 0
    ana.send("hello")
    sent = answer.wire.now()
    began = next(e for e in answer.wire if e.kind == "request").time
    while (came := str(ana.receive(wanted))) != "hello":
        number = NUMBERS.index(came) if came in NUMBERS else 0
        count += began + number * step > sent
        if number == 0 or count > 2:
            hint = "The echo waits for the countdown. Let them run side by side."
            raise instead_of(wanted, answer, ana, hint)
        if came == "0":  # it was we who were late
            return False
    return True


def test_no_text_ends_a_pause(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=LONG)
    with ex1_countdown.connect("ana") as ana:
        hint = "The first number comes at once. What does it wait for?"
        expect_first(ex1_countdown, ana, COUNTDOWN, hint)
        expect_echoes(ex1_countdown, ana, NUMBERS, "one", "two", "three")


def test_it_counts_while_a_client_talks(ex1_countdown: Answer) -> None:
    for step in scales(ex1_countdown, "STEP", STEP, 4, 8, 16):
        with ex1_countdown.connect("ana") as ana:

            def say(text: str, ana: Client = ana) -> None:
                ana.send(text)
                expect_among(ex1_countdown, ana, text, NUMBERS, LOST)

            enough = len(NUMBERS) if step == STEP else 3
            verdict = talk(ex1_countdown, ana, say, NUMBERS, step, enough)
            expect_numbers(ex1_countdown, ana, verdict)
        if verdict:
            return


def expect_numbers(answer: Answer, ana: Client, verdict: bool | None) -> None:
    """The numbers have come in their order, and were not late."""
    came = [str(event.data) for event in heard(answer, ana)]
    numbers = tuple(text for text in came if text in NUMBERS)
    if verdict is False or numbers != NUMBERS[: len(numbers)]:
        texts = said(answer, ana)
        took = texts[-1].time - texts[0].time
        raise Failure(
            who="ana",
            sent=f"{len(texts)} texts in {took:.1f} s",
            got=f"each echo, and of the numbers: {' '.join(numbers) or 'none'}",
            expected=f"all the numbers: {' '.join(NUMBERS)}",
            hint=ANEW,
            port=ana.port,
            silent=True,
        )


def test_it_ends_when_the_client_says_goodbye(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=LONG)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
    expect_end(ex1_countdown, ana)


def test_it_ends_when_the_client_vanishes(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=LONG)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
        ana.abort()
    expect_end(ex1_countdown, ana)


def test_each_client_has_a_countdown_of_its_own(ex1_countdown: Answer) -> None:
    ex1_countdown.set(STEP=0.05)
    with ex1_countdown.connect("ana") as ana:
        ana.expect("5")
        ana.expect("4")
        with ex1_countdown.connect("bo") as bo:
            for number in NUMBERS:
                bo.expect(number, hint="bo came later: this countdown is bo's own.")
        for number in NUMBERS[2:]:
            ana.expect(number, hint="bo has come and gone. ana's countdown is hers.")


# 2.2 one reader

TICK = 0.1  # seconds between two ticks


TICKS = Beats(
    ("tick", "tick", "tick"),
    at_once=0,
    hint="The ticks come by themselves, one every STEP seconds.",
    others="Nobody has said anything yet: only ticks come.",
    sooner="STEP seconds pass before each tick.",
)


def test_the_ticks_come_by_themselves(ex2_one_reader: Answer) -> None:
    expect_pace(ex2_one_reader, TICKS, TICK)


def test_no_text_brings_a_tick(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=LONG)
    with ex2_one_reader.connect("ana") as ana:
        expect_echoes(ex2_one_reader, ana, ("tick",), "one", "two", "three")
        expect_no_more(ex2_one_reader, ana, TICKS.sooner)


def test_the_ticks_come_while_a_client_talks(ex2_one_reader: Answer) -> None:
    for step in scales(ex2_one_reader, "STEP", TICK, 4, 12, 24):
        with ex2_one_reader.connect("ana") as ana:

            def say(text: str, ana: Client = ana) -> None:
                ana.send(text)
                expect_among(ex2_one_reader, ana, text, "tick", MISSING)

            verdict = talk(ex2_one_reader, ana, say, ("tick",), step, 3)
            if verdict is False:
                texts = said(ex2_one_reader, ana)
                ticks = len(heard(ex2_one_reader, ana)) - len(texts)
                raise Failure(
                    who="ana",
                    sent="one text after the other",
                    got=f"{ticks} ticks in {texts[-1].time - texts[0].time:.2f} s",
                    expected=f"one every STEP = {step:g} s",
                    hint=ANEW,
                    port=ana.port,
                    silent=True,
                )
        if verdict:
            return


MISSING = "An echo is missing. Who else receives, and got this text?"


def test_every_text_is_echoed_once_and_in_order(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        texts = ["one", "two", "three", "four", "five", "six"]
        for text in texts:
            ana.send(text)
        for text in texts:
            expect_among(ex2_one_reader, ana, text, "tick", MISSING)


def test_no_tick_comes_during_a_pause(ex2_one_reader: Answer) -> None:
    for step in scales(ex2_one_reader, "STEP", TICK, 4, 12, 24):
        with ex2_one_reader.connect("ana") as ana:
            hint = "After `pause` no tick comes, not even one that was under way."
            if expect_a_pause(ex2_one_reader, ana, step, hint):
                for text in ("pause", "and now?"):
                    ana.send(text)
                ana.expect(
                    "and now?", hint="`pause` is not echoed, said twice or once."
                )
                return


def expect_a_pause(answer: Answer, client: Client, step: float, hint: str) -> bool:
    """No tick comes in a pause; False where no pause could be had that tells.

    It does where the server had heard of it before the next tick was due. A tick that
    is due in the same moment may come behind an echo, where another task is told.
    """
    broken = 0
    for _ in range(FEW):
        talk_until_a_tick(answer, client, step)
        pause(answer, client)
        began, tells = client.received, is_before_the_next(answer, client, step)
        time.sleep(3 * step)  # in which ticks would come
        for text in ("still there?", "and still?"):
            client.send(text)
            expect_among(answer, client, text, "tick", hint)
        came = heard(answer, client)[began : client.received]
        ticks = [n for n, e in enumerate(came, began + 1) if e.data == "tick"]
        if tells and not ticks:
            return True
        broken += tells
        if broken == 2:
            raise instead_of('text "still there?"', answer, client, hint, ticks[0])
        client.send("resume")
    return False


def talk_until_a_tick(answer: Answer, client: Client, step: float) -> None:
    """So that the last tick, when this returns, has come just after an echo."""
    for number in range(80):
        before = client.received
        client.send(f"text {number}")
        expect_among(answer, client, f"text {number}", "tick", MISSING)
        if number and client.received > before + 1:
            return
        time.sleep(step / 8)
    client.expect("tick")


def is_before_the_next(answer: Answer, client: Client, step: float) -> bool:
    """Whether the message received last came before another tick was due.

    The last tick was sent after the text whose echo came before it.
    """
    came = heard(answer, client)[: client.received]
    last = max((n for n, e in enumerate(came) if e.data == "tick"), default=0)
    echoed = sum(event.data != "tick" for event in came[:last])
    orders = ("pause", "resume")
    texts = [e for e in said(answer, client) if e.data not in orders]
    return echoed > 0 and came[-1].time - texts[echoed - 1].time < step


def pause(answer: Answer, client: Client) -> None:
    """Say `pause`; when this returns, the last tick before it has been received."""
    client.send("pause")
    client.send("hello")
    hint = "`pause` is not echoed; what comes after it is, also in a pause."
    expect_among(answer, client, "hello", "tick", hint)


def test_after_resume_the_ticks_go_on(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(2):
            pause(ex2_one_reader, ana)
            ana.send("resume")
            ana.expect("tick", hint="`resume` is not echoed; it ends the pause.")
        ana.send("hello")
        hint = "Every text is echoed but two, before, in and after a pause."
        expect_among(ex2_one_reader, ana, "hello", "tick", hint)


def test_the_ticks_go_on_after_the_shortest_pause(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for _ in range(3):
            with ana.together():  # so that `resume` is there when `pause` is obeyed
                for text in ("one", "two", "three", "pause", "resume", "hello"):
                    ana.send(text)
            for text in ("one", "two", "three", "hello"):
                hint = "Every text is echoed but two, before, in and after a pause."
                expect_among(ex2_one_reader, ana, text, "tick", hint)
            hint = "`resume` came right behind `pause`. What has ended by then?"
            ana.expect("tick", hint=hint)


def test_no_other_text_is_an_order(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with ex2_one_reader.connect("ana") as ana:
        for text in ("please pause", " pause", "PAUSE", "resume ", "Resume", ""):
            ana.send(text)
            ana.send("hello")
            hint = "Two texts are orders, to the letter. This is one like any other."
            expect_among(ex2_one_reader, ana, text, "tick", hint)
            expect_among(ex2_one_reader, ana, "hello", "tick", hint)


def test_resume_without_a_pause_changes_nothing(ex2_one_reader: Answer) -> None:
    for step in scales(ex2_one_reader, "STEP", TICK, 4, 12, 24):
        with ex2_one_reader.connect("ana") as ana:
            for text in ("resume", "resume"):
                ana.send(text)
            hint = "She said `resume` twice, and `pause` once. What still ticks?"
            if expect_a_pause(ex2_one_reader, ana, step, hint):
                return


def test_a_pause_is_nobody_elses(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=TICK)
    with (
        ex2_one_reader.connect("ana") as ana,
        ex2_one_reader.connect("bo") as bo,
    ):
        pause(ex2_one_reader, ana)
        bo.ping()  # what was sent to bo until now has come before the pong
        for _ in range(len(heard(ex2_one_reader, bo)) + 2):
            bo.expect("tick", hint="ana has paused her own ticks. bo's go on.")


def test_it_ends_when_a_paused_client_says_goodbye(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=LONG)
    with ex2_one_reader.connect("ana") as ana:
        pause(ex2_one_reader, ana)
    expect_end(ex2_one_reader, ana)


def test_it_ends_when_a_ticking_client_vanishes(ex2_one_reader: Answer) -> None:
    ex2_one_reader.set(STEP=LONG)
    with ex2_one_reader.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
        ana.abort()
    expect_end(ex2_one_reader, ana)


# 2.3 gone

NEWS = 0.1  # seconds between two pieces of news


FEED = Beats(
    ("news 1", "news 2", "news 3"),
    at_once=1,
    hint="The news comes by itself, one piece every STEP seconds.",
    others="The first is number 1, and each has the number after the last.",
    sooner="STEP seconds pass from one piece to the next. Which pause is awaited?",
)


def test_the_news_comes_by_itself(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        hint = "The first piece of news comes at once. What does it wait for?"
        expect_first(ex3_gone, ana, FEED, hint)
    ex3_gone.begin()
    expect_pace(ex3_gone, FEED, NEWS)


def test_it_ends_when_the_client_leaves(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
    expect_end(ex3_gone, ana)


def test_it_ends_when_the_client_is_gone_without_a_goodbye(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        ana.abort()
    expect_end(ex3_gone, ana)


def test_what_the_client_says_is_read(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=LONG)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        for text in ("one", "two", "three"):
            say_and_ping(ex3_gone, ana, text)
        if len(heard(ex3_gone, ana)) > 1:
            hint = "What she says cuts a pause short. What is it that ends the waiting?"
            expected = f"nothing for STEP = {LONG:g} s"
            raise instead_of(expected, ex3_gone, ana, hint, place=2)
    expect_end(ex3_gone, ana)


def say_and_ping(answer: Answer, client: Client, text: str) -> None:
    """The server must read a text, as it shows by the pong that comes after it.

    uvicorn reads on when the text before has been received. What came with it has been
    read by then, so not the first ping tells.
    """
    client.send(text)
    if not client.ping():
        record = answer.wire.record
        raise Failure(
            who=client.name,
            sent=f'text "{text}", then a ping',
            got=f"no pong for {answer.reply:g} s",
            expected="a pong: a server that reads",
            hint="The server reads no more, so it would miss a pong: 1011.",
            event=record(client.name, "in", "missing", mark="expected a pong"),
            misconception="M22",
            port=client.port,
        )


def test_what_the_client_says_changes_nothing(ex3_gone: Answer) -> None:
    ex3_gone.set(STEP=NEWS)
    with ex3_gone.connect("ana") as ana:
        ana.expect("news 1")
        for number in range(2, 5):
            for message in ("hello", "", "stop", b"\x00\xff"):
                ana.send(message, hint="What a client says must not end the feed.")
            hint = "What a client says is read, and then forgotten. The news goes on."
            ana.expect(f"news {number}", hint=hint)


def test_a_client_that_never_stops_talking_gets_its_news(ex3_gone: Answer) -> None:
    for step in scales(ex3_gone, "STEP", NEWS, 4, 12, 24):
        with ex3_gone.connect("ana") as ana:

            def say(text: str, ana: Client = ana) -> None:
                say_and_ping(ex3_gone, ana, text)

            verdict = talk(ex3_gone, ana, say, ("news",), step, 4, "pong")
            came = len(heard(ex3_gone, ana))
            hint = "While she talks no news comes. Does a text begin the pause anew?"
            if verdict is False:
                texts = said(ex3_gone, ana)
                took = texts[-1].time - texts[0].time
                raise Failure(
                    who="ana",
                    sent=f"{len(texts)} texts in {took:.1f} s",
                    got=f"news {came}, and no more",
                    expected=f"one piece of news every {step:g} s",
                    hint=hint,
                    port=ana.port,
                    silent=True,
                )
            for number in range(1, came + 1):
                ana.expect(f"news {number}", hint=hint)
        if verdict:
            return


# 2.4 idle

IDLE = 1.0  # seconds of silence that are too long
PAUSE = 0.1  # seconds between what a client says, IDLE and far less


def test_each_text_is_echoed(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        for text in ("one", "", "three"):
            ana.send(text, hint="Each text is echoed, an empty one too.")
            ana.expect(text, hint="Each text is echoed, an empty one too.")


def test_a_silent_client_is_closed(ex4_idle: Answer) -> None:
    in_time = 0  # twice: it may be a limit of this very length, whatever IDLE is
    usual = IDLE / 4
    for idle in scales(ex4_idle, "IDLE", usual, 1, 16, 24):
        with ex4_idle.connect("ana") as ana:
            if idle > usual and is_overdue(ex4_idle, ana, idle):
                raise too_late(ex4_idle, ana, idle)
            expect_idle(ana, "IDLE seconds are over. Who looks while nobody talks?")
            close = next(e for e in ex4_idle.wire if e.kind == "close")
            took = close.time - asked_at(ex4_idle, ana)
            expect_so_late(ana, took, idle)
            expect_end(ex4_idle, ana)
        in_time += took < LATE * idle
        if in_time == 2 or (in_time == 1 and idle == usual):
            return


def too_late(answer: Answer, client: Client, idle: float) -> Failure:
    close = name_close(4000, "idle")
    event = answer.wire.record(client.name, "in", "missing", mark=f"expected {close}")
    return Failure(
        who=client.name,
        sent="nothing",
        got=f"no close for {event.time - asked_at(answer, client):.1f} s",
        expected=f"{close} after {idle:g} s of silence",
        hint="This is too late. How long may a silence last, and since when?",
        event=event,
        port=client.port,
    )


def expect_idle(client: Client, hint: str) -> None:
    normal = 'The right moment, the wrong words: close with 4000 and "idle".'
    hints = {4000: normal, 1000: normal, 1001: normal, 1008: normal, 1011: normal}
    hints[1006] = "The silence was noticed, and ended in an error, not in a close."
    client.expect_close(4000, "idle", hint=hint, hints=hints)


def expect_so_late(client: Client, silence: float, idle: float) -> None:
    """The silence before the close must have lasted long enough."""
    if silence < EARLY * idle:
        raise Failure(
            who=client.name,
            sent="nothing more",
            got=f"{name_close(4000, 'idle')} after {silence:.2f} s",
            expected=f"{name_close(4000, 'idle')} after {idle:g} s of silence",
            hint="This is too early. From when on do you count?",
            port=client.port,
        )


def test_a_talking_client_is_not_closed_and_a_silent_one_is(ex4_idle: Answer) -> None:
    for idle in scales(ex4_idle, "IDLE", IDLE, 3, 6):
        with ex4_idle.connect("bo") as bo, ex4_idle.connect("ana") as ana:
            if not outlasts(ex4_idle, ana, bo, idle):
                continue
            last = (
                time.monotonic()
            )  # before it is sent: who counts from it is not early
            if not says(ex4_idle, ana, "the last word", idle):
                continue
            expect_idle(ana, "She has talked, and fallen silent: close now, as well.")
            expect_so_late(ana, time.monotonic() - last, idle)
            expect_end(ex4_idle, ana)
            return


def says(answer: Answer, ana: Client, text: str, idle: float) -> bool:
    """Whether ana says this and hears it; False where she has been silent for too long.

    The server has heard of her when she had sent the last text that was echoed, and no
    sooner. If that is IDLE ago when she is closed, she or the server stood still.
    """
    echoed = len(heard(answer, ana))
    came = next(event for event in answer.wire if event.client == "ana")
    last = said(answer, ana)[echoed - 1] if echoed else came
    hint = f"She says something every {PAUSE:g} s. That is no silence."
    try:
        ana.send(text, hint=hint)
        ana.expect(text, hint=hint)
    except Failure as failure:
        close = failure.event
        if close is None or close.code != 4000 or close.time < last.time + idle:
            raise
        return False
    return True


def outlasts(answer: Answer, ana: Client, bo: Client, idle: float) -> bool:
    """ana talks until bo, who does not, has been closed; False if that was no talking.

    bo must have been closed when the server reads some texts that ana has sent long
    after. And it must have been while she talked: the text that counts is the last but
    one that was echoed before, for the close may have been under way with the last.
    """
    due, late, overdue = math.inf, 0, 0
    while late < FEW or not is_closed(answer, bo):
        if not says(answer, ana, "still here", idle):
            return False
        now = said(answer, ana)[-1].time
        due = min(due, answer.wire.now() + idle)
        late += now > due
        overdue += now > due + idle
        if overdue > FEW and bo.ping():  # a close would have come before the pong
            raise never_closed(answer, bo, idle)
        if late == 0 or late >= FEW:
            time.sleep(PAUSE)
    expect_idle(bo, WHOSE)
    bo.close()
    close = next(e for e in answer.wire if e.client == "bo" and e.kind == "close")
    echoed = sum(event.number < close.number for event in heard(answer, ana))
    return echoed > 1 and close.time < said(answer, ana)[echoed - 2].time + idle


WHOSE = "ana talks, bo does not. Whose silence do you look at?"


def is_closed(answer: Answer, client: Client) -> bool:
    mine = [e.kind for e in answer.wire if e.client == client.name]
    return "close" in mine or "end" in mine


def never_closed(answer: Answer, bo: Client, idle: float) -> Failure:
    close = name_close(4000, "idle")
    event = answer.wire.record("bo", "in", "missing", mark=f"expected {close}")
    return Failure(
        who="bo",
        sent="nothing",
        got=f"nothing for {event.time:.1f} s, while ana talked",
        expected=f"{close} after {idle:g} s",
        hint=WHOSE,
        event=event,
        port=bo.port,
    )


def test_it_ends_when_the_client_leaves_by_itself(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
    expect_end(ex4_idle, ana)


def test_it_ends_when_the_client_vanishes_by_itself(ex4_idle: Answer) -> None:
    ex4_idle.set(IDLE=LONG)
    with ex4_idle.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello")
        ana.abort()
    expect_end(ex4_idle, ana)
