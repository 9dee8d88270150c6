"""What the exercises of chapter 5 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.

What goes wrong with Redis goes wrong on the answer's own link to it. No wait proves
that nothing came: the next message does.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlencode, urlsplit

from workbook.answer import Answer, told
from workbook.client import Client
from workbook.failure import Failure, name, quote
from workbook.link import SUBSCRIBING, Link
from workbook.wire import Event

HELD = 0.6
"""Seconds for which Redis answers nothing, and nobody may be served. Who does not wait
for it serves within a few milliseconds."""

SILENCE = 1.1
"""Seconds in which nobody says anything: more than one, which many wait at a time."""

AWAY = 0.5
"""Seconds for which Redis is away: enough for a few hasty tries to be used up."""

SOON = 2.0
"""Seconds within which what an app does at Redis is seen there. It takes milliseconds:
a busy machine has a hundred times as long."""


def expect_subscriptions(
    answer: Answer,
    count: int,
    more: str,
    fewer: str = "",
    misconception: str | None = None,
) -> None:
    """All processes together must have so many subscriptions now, or soon.

    Args:
        answer: the one under test.
        count: how many.
        more: what to say when there are more.
        fewer: what to say when there are fewer.
        misconception: the one that `more` speaks of.
    """
    patience = answer.reply
    answer.reply = min(SOON, patience)
    try:
        answer.expect_subscriptions(count, more, misconception=misconception)
    except Failure as failure:
        if subscriptions(answer) < count and failure.hint == more and fewer:
            failure.hint, failure.misconception = fewer, None
        raise
    finally:
        answer.reply = patience


def subscriptions(answer: Answer) -> int:
    """How many all processes have together, on whatever channels."""
    return sum(answer.redis.subscriptions().values())


LAST = {"at last", "three", "after 2", "good morning", "text 39", "nobody here"} | {
    *("2, in tea:2", "green", "and I", "bye", "here 2")
}
"""What is said last in a check, and in no other one."""

STRAY = "This is from the check before, and was heard there. It came late, or twice."


def hears(
    client: Client, text: str, sender: str, hint: str, misconception: str | None = None
) -> None:
    """What this sender has said must be the next that comes to this client."""
    try:
        client.expect(text, hint=hint)
    except Failure as failure:
        failure.sent = f"nothing; {sender} sent {quote(text)}"
        failure.misconception = misconception
        name_a_stray(failure, client)
        raise


def name_a_stray(failure: Failure, client: Client) -> None:
    """Say so where what came instead was said in a check before this one."""
    came = failure.event.data if failure.event is not None else None
    said = {e.data for e in client.wire if e.direction == "out" and e.kind == "text"}
    if came in LAST and came not in said:
        failure.hint, failure.misconception = STRAY, None


def heard(answer: Answer, client: Client) -> list[Event]:
    """Every text that has come to this client, read or not."""
    mine = [e for e in answer.wire if e.client == client.name and e.kind == "text"]
    return [event for event in mine if event.direction == "in"]


@contextmanager
def silent(redis: Link) -> Iterator[threading.Event]:
    """Redis confirms no subscription until somebody has waited for so long.

    Yields what is set from then on. The time begins when the app turns to Redis.
    """
    flows, over = threading.Event(), threading.Event()
    before = redis.accepted, len(redis.commands())

    def asked(link: Link) -> bool:
        return (link.accepted, len(link.commands())) != before

    def resume_later() -> None:
        while not over.is_set() and not redis.until(asked, 0.1):
            pass
        over.wait(HELD)
        flows.set()
        redis.resume()

    redis.hold_subscriptions()
    thread = threading.Thread(target=resume_later)
    thread.start()
    try:
        yield flows
    finally:
        over.set()
        redis.resume()
        thread.join()


def come_together(
    answer: Answer, count: int, flows: threading.Event, path: str = "/ws", **to: int
) -> list[Client]:
    """Clients that come in the same instant; nobody may be accepted before `flows`."""

    def come(number: int) -> tuple[Client, bool]:
        client = answer.connect(f"early {number}", path, **to)
        return client, flows.is_set()

    with ThreadPoolExecutor(count) as pool:
        came = list(pool.map(come, range(1, count + 1)))
    for client, in_time in came:
        if not in_time:
            raise accepted_too_early(answer, client)
    return [client for client, _ in came]


def accepted_too_early(answer: Answer, client: Client) -> Failure:
    """What to say of a client that was accepted while Redis answered nothing."""
    mine = [e for e in answer.wire if e.client == client.name]
    event = [e for e in mine if e.kind == "response"][-1]
    answer.wire.mark(event, "expected no answer yet")
    return Failure(
        who=client.name,
        sent=client.sent,
        got=f"{name(event)}, and Redis has confirmed no subscription yet",
        expected="no answer before Redis has confirmed it",
        hint="What is said now, this client misses. Who waits for the confirmation?",
        event=event,
        port=client.port,
    )


# 5.1 relay

CROWD = 50
"""Clients of one process."""

NEW = 10
"""Connections to Redis that one who speaks may open: as many as a pool might."""

ODD = ["", " ", " two  spaces ", "a\nb", "null", "1", '{"a": [1]}', "ä€😀", "0"]
APART = ["|", "a|b||c", "a,b;c", "a: b::c", "a\tb\r\nc", "--_-#-~-/-.-=-&-"]
"""Texts that hold what may stand between the parts of an envelope."""

ALL = "What one says, all others hear, once, in the order of Redis."
EACH = "Two clients in each process, and one subscription for both will do."
ELSEWHERE = "ana said this first. Did it come through Redis, in the order of Redis?"
LETTER = "What came is not to the letter what ana said. What did Redis hand to you?"
UNASKED = (
    "Nobody has asked Redis to SUBSCRIBE. Where does your app do it, and who runs it?"
)
ORDER = "ana said it the other way round. Who waits until one text has been published?"


def test_silence_ends_nothing(ex1_relay: Answer) -> None:
    with (
        one_each(ex1_relay),
        not_by_silence(ex1_relay),
        ex1_relay.connect("ana") as ana,
        ex1_relay.connect("bo") as bo,
    ):
        end = time.monotonic() + SILENCE
        ex1_relay.get("/", worker=2)  # meanwhile another process starts
        time.sleep(max(0, end - time.monotonic()))
        ana.send("at last")
        hint = f"Nobody had spoken for {SILENCE:g} s. Who listens then, and goes on?"
        hears(bo, "at last", "ana", hint, "M13")


@contextmanager
def not_by_silence(answer: Answer) -> Iterator[None]:
    """Whatever somebody has not heard: say so if it is not for the silence before."""
    try:
        yield
    except Failure as failure:
        asked = {words[0] for words in answer.redis.commands()}
        if failure.event is not None and failure.event.kind in ("text", "binary"):
            failure.hint, failure.misconception = LETTER, None
        elif not asked & SUBSCRIBING:
            failure.hint, failure.misconception = UNASKED, None
        raise


def test_it_comes_in_every_process_and_not_to_its_sender(ex1_relay: Answer) -> None:
    with (
        one_each(ex1_relay),
        ex1_relay.connect("ana") as ana,
        ex1_relay.connect("bo") as bo,
        ex1_relay.connect("cy", worker=2) as cy,
        ex1_relay.connect("dee", worker=2) as dee,
    ):
        # Who serves before it has subscribed is told so in a check of its own.
        ex1_relay.redis.until(lambda _: subscriptions(ex1_relay) > 1, HELD)
        ana.send("one")
        hears(bo, "one", "ana", ALL)
        dee.send("two")
        hears(cy, "one", "ana", ELSEWHERE)
        hears(bo, "two", "dee", ALL)
        hint = "dee said this. What ana says herself, she does not hear."
        hears(ana, "two", "dee", hint)
        hears(cy, "two", "dee", ALL)
        ana.send("three")
        hears(dee, "one", "ana", ELSEWHERE)
        hint = "ana said this. What dee says herself, she does not hear."
        hears(dee, "three", "ana", hint)
        hears(bo, "three", "ana", ALL)
        hears(cy, "three", "ana", ALL)


@contextmanager
def one_each(answer: Answer) -> Iterator[None]:
    """Whatever somebody has not heard: more than one subscription each comes first."""
    try:
        yield
    except Failure:
        if subscriptions(answer) > 2:
            expect_subscriptions(answer, 2, EACH, misconception="M29")
        raise


def test_who_has_gone_costs_the_others_nothing(ex1_relay: Answer) -> None:
    with (
        one_each(ex1_relay),
        published_in_order(ex1_relay),
        ex1_relay.connect("ana") as ana,
        ex1_relay.connect("cy", worker=2) as cy,
        ex1_relay.connect("dee", worker=2) as dee,
        ex1_relay.connect("eve") as eve,
    ):
        for number in range(3):
            with ex1_relay.connect("bo", worker=2) as bo:
                ana.send(f"before {number}")
                bo.abort()
                ana.send(f"after {number}")
        hint = "bo has vanished. Who still sends to bo, and what becomes of the error?"
        for client in (cy, dee, eve):
            for number in range(3):
                hears(client, f"before {number}", "ana", hint)
                hears(client, f"after {number}", "ana", hint)


@contextmanager
def published_in_order(answer: Answer) -> Iterator[None]:
    """What came too early for somebody: say so if it was published too early."""
    try:
        yield
    except Failure as failure:
        sent = [e for e in answer.wire if e.direction == "out" and e.kind == "text"]
        said = [str(event.data) for event in sent]
        came = failure.event.data if failure.event is not None else None
        due = next((one for one in said if quote(one) == failure.expected), None)
        if due in said and came in said and said.index(came) > said.index(due):
            published = [words[-1] for words in answer.redis.commands("PUBLISH")]
            first = next((one for one in published if due in one or came in one), "")
            if came in first:
                failure.hint, failure.misconception = ORDER, None
        raise


def test_a_crowd_shares_one_subscription(ex1_relay: Answer) -> None:
    with ExitStack() as stack, ex1_relay.connect("cy", worker=2) as cy:
        crowd = [
            stack.enter_context(ex1_relay.connect(f"client {number}"))
            for number in range(1, CROWD + 1)
        ]
        hint = f"{CROWD} clients in one process, one in another. One each will do."
        fewer = "Each process that has clients listens. Who subscribes, and when?"
        expect_subscriptions(ex1_relay, 2, hint, fewer, "M29")
        cy.send("good morning")
        for client in crowd:
            hears(client, "good morning", "cy", "All hear it, however many there are.")
        hint = "Connections are shared, too: one to listen, one to publish."
        ex1_relay.expect_connections(6, hint, misconception="M29")


def test_every_text_arrives_to_the_letter_and_in_order(ex1_relay: Answer) -> None:
    texts = [*ODD, *APART, *(f"text {number}" for number in range(40))]
    with (
        ex1_relay.connect("ana") as ana,
        ex1_relay.connect("bo") as bo,
        ex1_relay.connect("cy", worker=2) as cy,
    ):
        before = ex1_relay.redis.accepted
        for text in texts:
            ana.send(text, hint="Any text is passed on, an empty one too.")
        whole = "Every text arrives as it is, and in order."
        cut = "A text may hold what stands between the parts of yours. Split it once."
        for client in (bo, cy):
            for text in texts:
                hears(client, text, "ana", cut if text in APART else whole)
        expect_few_new_connections(ex1_relay, before, len(texts))


def expect_few_new_connections(answer: Answer, before: int, texts: int) -> None:
    """One who said so many texts must not have cost a connection each."""
    new = answer.redis.accepted - before
    if new <= NEW:
        return
    raise Failure(
        who="",
        action="counted",
        sent=f"the new connections to Redis, while ana said {texts} texts",
        got=f"{new} new connections",
        expected=f"{NEW} or fewer",
        hint="A client of Redis keeps its connections. Make one, and use it again.",
        misconception="M29",
    )


def test_nobody_is_served_too_early(ex1_relay: Answer) -> None:
    with (
        ex1_relay.connect("ana") as ana,
        ex1_relay.connect("cy", worker=2),
    ):
        with silent(ex1_relay.redis) as flows:
            # Any answer will do: a process has started, and could have subscribed.
            ex1_relay.get("/", worker=3)
            early = come_together(ex1_relay, 5, flows, worker=3)
        with ExitStack() as stack:
            for client in early:
                stack.enter_context(client)
            ana.send("welcome")
            hint = "Five came at once, to a new process. All who are accepted hear it."
            for client in early:
                hears(client, "welcome", "ana", hint, "M54")
            ana.send("once more")
            hint = "Five came at once, to a new process. Only one subscribes, for all."
            for client in early:
                hears(client, "once more", "ana", hint, "M54")
            # By now, all that the five have asked for has been done.
            expect_subscriptions(ex1_relay, 3, hint, misconception="M54")


# 5.2 comeback

WITHIN = 4.0
"""Seconds that the exercise gives: to be told, and to be back. With a time-out of one
second each takes one or two; with redis-py's own, of five, it is late."""

OPEN = "Redis is away, the sockets stay open. Who says so, and to whom?"
TELL = "A sender is told what became of it, whatever went wrong with Redis."
MORE = (
    "Two processes, and one subscription each will do. Who else subscribes, and when?"
)
ERROR = 'JSON {"error": "..."}'


def test_all_hear_it_once_whichever_process_serves_them(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo):
        texts = ["one", "two", "three"]
        for text in texts:
            ana.send(text)
        expect_all(texts, ana, bo, hint="All hear it, the sender too, once.")


@contextmanager
def pair(answer: Answer) -> Iterator[tuple[Client, Client]]:
    """Two clients, each at a process of its own that has subscribed."""
    patience = answer.reply
    answer.reply = min(WITHIN, patience)
    try:
        with answer.connect("ana") as ana, answer.connect("bo", worker=2) as bo:
            hint = "Each process subscribes once, when it starts, and none twice."
            answer.expect_subscriptions(2, hint)
            yield ana, bo
    finally:
        answer.reply = patience


def expect_all(texts: list[str], *clients: Client, hint: str) -> None:
    """These texts must come next, to each."""
    for client in clients:
        for text in texts:
            try:
                client.expect(text, hint=hint)
            except Failure as failure:
                name_a_stray(failure, client)
                raise


def expect_told(answer: Answer, client: Client) -> None:
    """The next that this client hears must be that its text was not published."""
    try:
        came = client.receive(ERROR)
    except Failure as failure:
        ended = failure.event is not None and failure.event.kind in ("close", "end")
        failure.hint = OPEN if ended else TELL
        raise
    try:
        said = json.loads(came)
    except ValueError:
        said = None
    if isinstance(said, dict) and [*said] == ["error"] and said["error"]:
        return
    raise instead_of(ERROR, answer, client, TELL)


def instead_of(expected: str, answer: Answer, client: Client, hint: str) -> Failure:
    """What to say of the text that this client has received last."""
    event = heard(answer, client)[client.received - 1]
    answer.wire.mark(event, f"expected {expected}")
    return Failure(
        who=client.name,
        sent=client.sent,
        got=name(event),
        expected=expected,
        hint=hint,
        event=event,
        port=client.port,
        received=client.received - 1,
    )


def expect_comeback(answer: Answer) -> None:
    """Both processes must subscribe again.

    That does not yet mean that they hear: before it tells of a broken connection,
    redis-py makes one more, subscribes, and lets it go.
    """
    hint = "Redis was back, your listener was not. Who subscribes anew, and how soon?"
    try:
        answer.expect_subscriptions(2, hint, misconception="M04")
    except Failure as failure:
        if subscriptions(answer) > 2:
            failure.hint, failure.misconception = MORE, "M29"
        else:
            failure.got += f", {answer.reply:g} s after Redis was back"
        raise


def test_it_lives_through_a_restart_of_redis(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo), ex2_comeback.connect("cy") as cy:
        ex2_comeback.redis.kill()
        for client in (ana, bo):
            client.send("lost", hint=OPEN)
            expect_told(ex2_comeback, client)
        time.sleep(AWAY)
        ex2_comeback.redis.start()
        expect_comeback(ex2_comeback)
        expect_delivery(ex2_comeback, ana, bo, cy)
        catch_up(ana, bo, cy)
        # Again: all three hear, and so have whatever subscriptions they would have.
        expect_comeback(ex2_comeback)


def test_it_lives_through_the_end_of_its_subscription(ex2_comeback: Answer) -> None:
    with (
        pair(ex2_comeback) as (ana, bo),
        ex2_comeback.connect("cy", worker=2) as cy,
    ):
        ex2_comeback.redis.drop_subscribers()
        expect_comeback(ex2_comeback)
        expect_delivery(ex2_comeback, bo, ana, cy)
        catch_up(bo, ana, cy)


def test_nobody_hears_anything_twice(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo):
        ex2_comeback.redis.lose_replies(1, to="PUBLISH")
        ana.send("once")
        ana.send("next", hint=OPEN)
        hears(bo, "once", "ana", "This got to Redis, and only the reply was lost.")
        hint = "Redis had it, its reply was lost. Who published it once more?"
        hears(bo, "next", "ana", hint, "M55")
        while ana.receive('text "next"') != "next":
            pass  # the text before, and perhaps that its reply was lost


def test_who_speaks_to_a_silent_redis_is_told(ex2_comeback: Answer) -> None:
    redis = ex2_comeback.redis
    with pair(ex2_comeback) as (ana, bo), ex2_comeback.connect("cy") as cy:
        redis.swallow()
        ana.send("lost")
        redis.until(lambda r: r.swallowed > 0, ex2_comeback.reply)
        served = cy.ping()
        ana.ping()  # so that all that was sent to her before has come
        if not served or heard(ex2_comeback, ana):
            raise stood_still(ex2_comeback, cy)
        expect_told(ex2_comeback, ana)
        redis.deliver()
        expect_delivery(ex2_comeback, ana, bo)


def stood_still(answer: Answer, cy: Client) -> Failure:
    """What to say when one who waits for Redis makes all others wait."""
    return Failure(
        who="cy",
        sent="a ping, while ana's text was on its way to Redis",
        got="no pong before ana had her answer",
        expected="a pong at once",
        hint="All wait while one waits for Redis. redis.asyncio gives way, redis not.",
        event=answer.wire.record("cy", "in", "missing", mark="expected a pong"),
        misconception="M23",
        port=cy.port,
    )


def expect_delivery(answer: Answer, ana: Client, *others: Client) -> None:
    """What ana says must get to the others, who hear nothing else.

    Her first texts may fail: a client of Redis may still keep a dead connection, or
    be about to subscribe.
    """
    deadline = time.monotonic() + answer.reply
    texts: list[str] = []
    while time.monotonic() < deadline and not all(
        len(heard(answer, client)) > client.received for client in others
    ):
        texts.append(f"back {len(texts) + 1}")
        ana.send(texts[-1], hint=OPEN)
        time.sleep(0.05)  # until the next try
    for client in others:
        if receive(client) not in texts:
            hint = "ana speaks, and is heard again. Nothing else should be heard."
            raise instead_of("what ana says now", answer, client, hint)


def catch_up(ana: Client, *others: Client) -> None:
    """Hear all that is on its way, or the next check would."""
    ana.send("over", hint=OPEN)
    for client in (ana, *others):
        while receive(client) != "over":
            pass  # what was said before


def receive(client: Client) -> str | bytes:
    """The next text after the comeback."""
    try:
        return client.receive("what ana says now")
    except Failure as failure:
        failure.hint = "Redis is back, and has the subscription. What does ana get?"
        raise


# 5.3 rooms


def test_nothing_crosses_from_room_to_room(ex3_rooms: Answer) -> None:
    with (
        ex3_rooms.connect("ana", "/ws?room=red") as ana,
        ex3_rooms.connect("bo", "/ws?room=blue") as bo,
        ex3_rooms.connect("cy", "/ws?room=red", worker=2) as cy,
        ex3_rooms.connect("dee", "/ws?room=*", worker=2) as dee,
        ex3_rooms.connect("eve", "/ws?room=blue", worker=2) as eve,
    ):
        hint = "Two rooms in one process, three in the other, a channel each: five."
        expect_subscriptions(ex3_rooms, 5, hint, hint)
        red, blue = (ana, cy), (bo, eve)
        for number in (1, 2):
            for client, room, color in ((ana, red, "red"), (eve, blue, "blue")):
                text = f"{color} {number}"
                client.send(text)
                hint = (
                    f"{text} is the next that is said in this room. All in it hear it."
                )
                expect_all([text], *room, hint=hint)
        dee.send("nobody here")
        hint = "The room named * is a room like any other, with dee alone in it."
        expect_all(["nobody here"], dee, hint=hint)


def test_nobody_is_accepted_before_redis_has_confirmed(ex3_rooms: Answer) -> None:
    before = set(ex3_rooms.redis.subscriptions())
    with ex3_rooms.connect("ana", "/ws?room=green", worker=2) as ana:
        with silent(ex3_rooms.redis) as flows:
            early = come_together(ex3_rooms, 5, flows, "/ws?room=green")
        with ExitStack() as stack:
            for client in early:
                stack.enter_context(client)
            hint = "Five came into an empty room at once. One subscribes, for all."
            expect_two_more(ex3_rooms, before, hint)
            ana.send("green")
            expect_all(["green"], *early, hint=hint)


def expect_two_more(answer: Answer, before: set[str], hint: str) -> None:
    """Two processes must have subscribed to a room that nobody was in."""

    def new(link: Link) -> dict[str, int]:
        found = link.subscriptions().items()
        return {name: count for name, count in found if name not in before}

    if answer.redis.until(
        lambda link: sum(new(link).values()) == 2, min(SOON, answer.reply)
    ):
        return
    raise Failure(
        who="",
        action="asked",
        sent="Redis about this room, in which two processes have people",
        got=told(new(answer.redis)),
        expected="2 subscriptions",
        hint=hint,
        misconception="M54",
    )


ALIKE = ("tea", "Tea", "tea!", "tea:1", "tea:2")
NAMED = "Each is in a room of its own. A room has the name that came, to the letter."


def test_rooms_of_similar_names_are_rooms_of_their_own(ex3_rooms: Answer) -> None:
    people: dict[str, Client] = {}
    with ExitStack() as stack:
        for room in ALIKE:
            path = f"/ws?{urlencode({'room': room})}"
            people[room] = ex3_rooms.connect(f"in {room}", path)
            stack.enter_context(people[room])
        for number in (1, 2):
            for room, client in people.items():
                client.send(f"{number}, in {room}")
                expect_all([f"{number}, in {room}"], client, hint=NAMED)


NOBODY = "The last one has left, and the process still listens. Who unsubscribes?"
BLACK = "Only cy is there, in the black room. Others were left. Who unsubscribes?"
AGAIN = "The room was empty, and is used again. Is all of it begun anew?"
RAISED = "A binary message came: your handler raised. Who unsubscribes then?"
GONE = "cy is in the black room, and its process does not hear it. Who subscribes?"
EARLY = "bo has gone before he was accepted. Who takes him out of the room again?"


def test_the_last_one_out_unsubscribes(ex3_rooms: Answer) -> None:
    with ex3_rooms.connect("cy", "/ws?room=black") as cy:
        with ex3_rooms.connect("ana", "/ws?room=white") as ana:
            with ex3_rooms.connect("bo", "/ws?room=white"):
                pass
            ana.send("still here")
            expect_all(["still here"], ana, hint="bo has left the room, not the last.")
        expect_subscriptions(ex3_rooms, 1, BLACK, GONE)
        cy.send("and I")
        expect_all(
            ["and I"], cy, hint="The white room is empty. cy is in the black one."
        )
    expect_subscriptions(ex3_rooms, 0, NOBODY)


def test_the_first_one_in_subscribes_for_all(ex3_rooms: Answer) -> None:
    with (
        ex3_rooms.connect("ana", "/ws?room=red") as ana,
        ex3_rooms.connect("bo", "/ws?room=red") as bo,
        ex3_rooms.connect("cy", "/ws?room=red") as cy,
    ):
        hint = "Three clients in one room of one process. One subscription will do."
        expect_subscriptions(ex3_rooms, 1, hint, AGAIN, misconception="M29")
        bo.send("hello")
        expect_all(["hello"], ana, bo, cy, hint="All in the room hear it, once.")
        ana.send("bye")
        expect_all(["bye"], ana, bo, cy, hint="All in the room hear it, once.")


def test_who_vanishes_has_left_as_well(ex3_rooms: Answer) -> None:
    for number in (1, 2):
        with ex3_rooms.connect("ana", "/ws?room=red") as ana:
            ana.send(f"here {number}")
            expect_all([f"here {number}"], ana, hint=AGAIN)
            ana.abort()
        expect_subscriptions(ex3_rooms, 0, NOBODY)


def test_who_leaves_by_an_error_has_left_as_well(ex3_rooms: Answer) -> None:
    with ex3_rooms.connect("ana", "/ws?room=red") as ana:
        ana.send(b"no text")  # by which iter_text() and receive_text() raise a KeyError
        # A handler that lives through it gets a text, and answers that.
        with suppress(Failure):
            ana.send("still here")
            ana.receive()
        ana.abort()
    expect_subscriptions(ex3_rooms, 0, RAISED)


def test_who_goes_before_it_was_accepted_has_left_as_well(ex3_rooms: Answer) -> None:
    redis = ex3_rooms.redis
    redis.hold_subscriptions()
    come_and_vanish(ex3_rooms, "bo", "/ws?room=red")
    redis.resume()
    with ex3_rooms.connect("ana", "/ws?room=red") as ana:
        ana.send("anybody?")
        expect_all(["anybody?"], ana, hint=AGAIN)
    expect_subscriptions(ex3_rooms, 0, EARLY)


def come_and_vanish(answer: Answer, who: str, path: str) -> None:
    """Ask for a WebSocket; when Redis has been asked in turn, reset the connection."""
    there = urlsplit(answer.address)
    with socket.create_connection((there.hostname, there.port), SOON) as sock:
        answer.wire.record(who, "out", "request", path)
        sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {there.netloc}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n\r\n".encode()
        )
        answer.redis.until(asked_to_subscribe, min(SOON, answer.reply))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answer.wire.record(who, "out", "end")
    # Whatever this is answered: its process has learnt by then that `who` has gone.
    answer.get("/")


def asked_to_subscribe(link: Link) -> bool:
    return any(words[0] in SUBSCRIBING for words in link.commands())


def test_one_comes_while_another_leaves(ex3_rooms: Answer) -> None:
    leaving = ex3_rooms.connect("client 0", "/ws?room=red")
    for number in range(1, 9):
        leaving.abort()
        with ExitStack() as stack:
            client = ex3_rooms.connect(f"client {number}", "/ws?room=red")
            stack.enter_context(client)
            for text in (f"one {number}", f"two {number}"):
                client.send(text)
                hint = "The one before left when this one came. The room lives on."
                expect_all([text], client, hint=hint)
            stack.pop_all()
            leaving = client
    leaving.close()
    expect_subscriptions(ex3_rooms, 0, NOBODY)
