"""What the exercises of chapter 5 must do.

A parameter named like an exercise is the answer under test: the solution, or, with
--mine, the learner's own file.

What goes wrong with Redis goes wrong on the answer's own link to it. No wait proves
that nothing came: the next message does. And a wait goes by the time that the answer
had (`outlast`): while the machine stands still, nobody is late.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
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

HELD_MOST = 15.0
"""Seconds after which Redis goes on, whoever has not come by then."""

SILENCE = 1.1
"""Seconds in which nobody says anything: more than one, which many wait at a time."""

AWAY = 0.5
"""Seconds for which Redis is away: enough for a few hasty tries to be used up."""

SOON = 2.0
"""Seconds within which what an app does at Redis is seen there. It takes milliseconds:
a busy machine has a hundred times as long."""

SLOW = 5.0
"""Seconds more for a handshake: nothing can be asked meanwhile."""

ROUND = 0.25
"""Seconds of waiting, after which all who have a part in it must have had a turn."""

NEXT = 0.1
"""Seconds after which somebody says the next who has not been heard."""

LOOK = 0.005
"""Seconds until the next look."""

TURNS = 10
"""Turns of an event loop after which a text that has come is taken up; two will do."""

TURN = 5.0
"""Seconds that a process may take for its turn. It takes a millisecond."""

STANDSTILL = 20.0
"""Seconds of one wait that may be the machine's."""

TRIES = 12
"""Times that something is said anew whose way to Redis took an app's own time-out. It
takes a machine that stands still for a second, and it is no mistake to say so then."""


def outlast(
    answer: Answer, seconds: float, seen: Callable[[], object] = lambda: False
) -> bool:
    """Wait until something is so; at most for so many seconds, counted in rounds.

    A round counts as it should last, however long it does: until every process of the
    answer, the link and Redis itself have had a turn. So whoever had something to do
    could do it, on a machine that stands still now and then, too. Where a loop stands
    still, that is the answer's own doing, and counts as it lasts.
    """
    end = time.monotonic() + seconds + STANDSTILL
    while not seen():
        began = time.monotonic()
        if seconds <= 0 or began > end:
            return False
        while not seen() and time.monotonic() < began + min(ROUND, seconds):
            time.sleep(LOOK)
        turned = seen() or answer.take_turns(TURN)
        seconds -= ROUND if turned else time.monotonic() - began
    return True


def come(answer: Answer, who: str, path: str = "/ws", **to: int) -> Client:
    """A new client, whose handshake may take its time."""
    client = answer.connect(who, path, reply=answer.reply + SLOW, **to)
    client.reply = answer.reply
    return client


@contextmanager
def patient(answer: Answer, client: Client) -> Iterator[None]:
    """Wait first, and as `outlast` does, for what is asked of this client inside."""
    outlast(answer, client.reply, lambda: has_more(client))
    with having_waited(client):
        yield


@contextmanager
def having_waited(client: Client) -> Iterator[None]:
    """What is asked of this client inside has been waited for: it came, or will not.

    From the wire, where it has been seen, to who asks it may still need a moment; the
    end of a connection, until TCP has ended, too.
    """
    patience, client.reply = client.reply, SLOW if has_more(client) else 0
    try:
        yield
    except Failure as failure:
        if failure.silent:
            failure.got = f"nothing for {patience:g} s"
        raise
    finally:
        client.reply = patience


def has_more(client: Client) -> bool:
    """Whether something has come to this client that nobody has asked for; or its end.

    Of two clients of one name it knows nothing.
    """
    mine = [e for e in client.wire if e.client == client.name and e.direction == "in"]
    if mine and mine[-1].kind in ("close", "end"):
        return True
    return sum(e.kind in ("text", "binary") for e in mine) > client.received


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
    soon = min(SOON, answer.reply)
    outlast(answer, soon, lambda: subscriptions(answer) == count)
    try:
        with at_once(answer):
            answer.expect_subscriptions(count, more, misconception=misconception)
    except Failure as failure:
        if subscriptions(answer) < count and failure.hint == more and fewer:
            failure.hint, failure.misconception = fewer, None
        raise


@contextmanager
def at_once(answer: Answer) -> Iterator[None]:
    """What is asked inside has been waited for, and is so or is not."""
    patience, answer.reply = answer.reply, 0
    try:
        yield
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
    answer: Answer,
    client: Client,
    text: str,
    sender: str,
    hint: str,
    misconception: str | None = None,
) -> None:
    """What this sender has said must be the next that comes to this client."""
    try:
        with patient(answer, client):
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


class Held:
    """Redis confirms no subscription to a process; from when on it does is known.

    That is when all who have come to the process have had their turn, and nothing has
    come of it for HELD seconds since the process asked Redis. One that does not serve
    yet by then will not, before Redis has confirmed.

    Args:
        answer: the one under test.
        worker: the number of the process.
    """

    def __init__(self, answer: Answer, worker: int) -> None:
        self.answer = answer
        self.worker = worker
        self.flows = threading.Event()
        self.over = threading.Event()
        self.coming = 0  # clients that are on their way
        self._asked = len(answer.redis.commands())
        self._called = self._calls()

    def _reports(self) -> list[str]:
        reports = self.answer.reports(self.worker)
        return [f"{one['is']} {one.get('type', '')}" for one in reports]

    def _calls(self) -> int:
        return self._reports().count("call websocket")

    def _all_wait(self) -> bool:
        """Whether the process has asked Redis, on behalf of all who have come."""
        asked = self.answer.redis.commands()[self._asked :]
        if not any(words[0] in SUBSCRIBING for words in asked):
            return False
        if "ready " not in self._reports():
            return True
        return 0 < self.coming <= self._calls() - self._called

    def _goes_on(self) -> bool:
        return self.over.is_set() or self._all_wait()

    def resume_later(self) -> None:
        """Let Redis go on when it is time."""
        end = time.monotonic() + HELD_MOST
        while not self.over.is_set() and time.monotonic() < end:
            outlast(self.answer, ROUND, self._goes_on)
            if self._all_wait():
                outlast(self.answer, HELD, self.over.is_set)
                if self._all_wait():
                    break
        self.flows.set()
        self.answer.redis.resume()


@contextmanager
def silent(answer: Answer, worker: int) -> Iterator[Held]:
    """Redis confirms no subscription until somebody has waited for so long."""
    held = Held(answer, worker)
    answer.redis.hold_subscriptions()
    thread = threading.Thread(target=held.resume_later)
    thread.start()
    try:
        yield held
    finally:
        held.over.set()
        answer.redis.resume()
        thread.join()


def come_together(
    answer: Answer, count: int, held: Held, path: str = "/ws"
) -> list[Client]:
    """Clients that come in the same instant; nobody may be accepted while it holds."""
    reply = answer.reply + HELD_MOST

    def join(number: int) -> tuple[Client, bool]:
        who = f"early {number}"
        client = answer.connect(who, path, worker=held.worker, reply=reply)
        client.reply = answer.reply
        return client, held.flows.is_set()

    held.coming = count
    with ThreadPoolExecutor(count) as pool:
        came = list(pool.map(join, range(1, count + 1)))
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

HANDS = 25
"""Of those how many may shake hands at a time."""

NEW = 10
"""Connections to Redis that one who speaks may open: as many as a pool might."""

ODD = ["", " ", " two  spaces ", "a\nb", "null", "1", '{"a": [1]}', "ä€😀", "0"]
APART = ["|", "a|b||c", "a,b;c", "a: b::c", "a\tb\r\nc", "--_-#-~-/-.-=-&-"]
"""Texts that hold what may stand between the parts of an envelope."""

ALL = "What one says, all others hear, once, in the order of Redis."
EACH = "Two clients in each process, and one subscription for both will do."
ELSEWHERE = "ana said this first. Did it come through Redis, in the order of Redis?"
LETTER = "What came is not to the letter what ana said. What did Redis hand to you?"
QUICKER = "Redis has not passed it on yet. Who does not wait for the order of Redis?"
UNASKED = (
    "Nobody has asked Redis to SUBSCRIBE. Where does your app do it, and who runs it?"
)
PUBLISHING = {"PUBLISH", "SPUBLISH"}
UNPUBLISHED = "Nothing is published at Redis. How far does a text go that comes to you?"
ORDER = "ana said it the other way round. Who waits until one text has been published?"


def test_silence_ends_nothing(ex1_relay: Answer) -> None:
    with (
        one_each(ex1_relay),
        not_by_silence(ex1_relay),
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "bo") as bo,
    ):
        end = time.monotonic() + SILENCE
        ex1_relay.get("/", worker=2)  # meanwhile another process starts
        outlast(ex1_relay, max(ROUND, end - time.monotonic()))
        ana.send("at last")
        hint = f"Nobody had spoken for {SILENCE:g} s. Who listens then, and goes on?"
        hears(ex1_relay, bo, "at last", "ana", hint, "M13")


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
        elif not asked & PUBLISHING:
            failure.hint, failure.misconception = UNPUBLISHED, None
        raise


def test_it_comes_in_every_process_and_not_to_its_sender(ex1_relay: Answer) -> None:
    with (
        one_each(ex1_relay),
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "bo") as bo,
        come(ex1_relay, "cy", worker=2) as cy,
        come(ex1_relay, "dee", worker=2) as dee,
    ):
        # Who serves before it has subscribed is told so in a check of its own.
        outlast(ex1_relay, HELD, lambda: subscriptions(ex1_relay) > 1)
        ana.send("one")
        hears(ex1_relay, bo, "one", "ana", ALL)
        dee.send("two")
        hears(ex1_relay, cy, "one", "ana", ELSEWHERE)
        hears(ex1_relay, bo, "two", "dee", ALL)
        hint = "dee said this. What ana says herself, she does not hear."
        hears(ex1_relay, ana, "two", "dee", hint)
        hears(ex1_relay, cy, "two", "dee", ALL)
        ana.send("three")
        hears(ex1_relay, dee, "one", "ana", ELSEWHERE)
        hint = "ana said this. What dee says herself, she does not hear."
        hears(ex1_relay, dee, "three", "ana", hint)
        hears(ex1_relay, bo, "three", "ana", ALL)
        hears(ex1_relay, cy, "three", "ana", ALL)


def test_it_comes_from_redis_alone(ex1_relay: Answer) -> None:
    redis = ex1_relay.redis
    with (
        one_each(ex1_relay),
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "bo") as bo,
    ):
        ana.send("hello")  # a connection to publish by is open now
        hears(ex1_relay, bo, "hello", "ana", ALL)
        redis.pause()
        ana.send("through Redis")
        outlast(ex1_relay, ex1_relay.reply, lambda: redis.commands("PUBLISH"))
        bo.ping(ex1_relay.reply)  # by then bo has what was sent on the way to Redis
        if has_more(bo):
            bo.receive()
            failure = instead_of("nothing yet", ex1_relay, bo, QUICKER)
            failure.sent = "nothing; Redis stood still"
            raise failure
        redis.resume()
        hears(ex1_relay, bo, "through Redis", "ana", ALL)


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
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "cy", worker=2) as cy,
        come(ex1_relay, "dee", worker=2) as dee,
        come(ex1_relay, "eve") as eve,
    ):
        for number in range(3):
            with come(ex1_relay, "bo", worker=2) as bo:
                ana.send(f"before {number}")
                bo.abort()
                ana.send(f"after {number}")
        hint = "bo has vanished. Who still sends to bo, and what becomes of the error?"
        for client in (cy, dee, eve):
            for number in range(3):
                hears(ex1_relay, client, f"before {number}", "ana", hint)
                hears(ex1_relay, client, f"after {number}", "ana", hint)


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
    redis = ex1_relay.redis
    with ExitStack() as stack, come(ex1_relay, "cy", worker=2) as cy:
        first = come(ex1_relay, "client 1")
        with ThreadPoolExecutor(HANDS) as pool:
            names = [f"client {number}" for number in range(2, CROWD + 1)]
            crowd = [first, *pool.map(lambda who: come(ex1_relay, who), names)]
        for client in crowd:
            stack.enter_context(client)
        hint = f"{CROWD} clients in one process, one in another. One each will do."
        fewer = "Each process that has clients listens. Who subscribes, and when?"
        expect_subscriptions(ex1_relay, 2, hint, fewer, "M29")
        cy.send("good morning")
        for client in crowd:
            hears(
                ex1_relay,
                client,
                "good morning",
                "cy",
                "All hear it, however many there are.",
            )
        hint = "Connections are shared, too: one to listen, one to publish."
        outlast(ex1_relay, ex1_relay.reply, lambda: redis.connections() <= 6)
        with at_once(ex1_relay):
            ex1_relay.expect_connections(6, hint, misconception="M29")


def test_every_text_arrives_to_the_letter_and_in_order(ex1_relay: Answer) -> None:
    texts = [*ODD, *APART, *(f"text {number}" for number in range(40))]
    with (
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "bo") as bo,
        come(ex1_relay, "cy", worker=2) as cy,
    ):
        before = ex1_relay.redis.accepted
        for text in texts:
            ana.send(text, hint="Any text is passed on, an empty one too.")
        whole = "Every text arrives as it is, and in order."
        cut = "A text may hold what stands between the parts of yours. Split it once."
        for client in (bo, cy):
            for text in texts:
                hears(ex1_relay, client, text, "ana", cut if text in APART else whole)
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
        come(ex1_relay, "ana") as ana,
        come(ex1_relay, "cy", worker=2),
    ):
        with silent(ex1_relay, worker=3) as held:
            # Any answer will do: a process has started, and could have subscribed.
            ex1_relay.get("/", worker=3)
            early = come_together(ex1_relay, 5, held)
        with ExitStack() as stack:
            for client in early:
                stack.enter_context(client)
            ana.send("welcome")
            hint = "Five came at once, to a new process. All who are accepted hear it."
            for client in early:
                hears(ex1_relay, client, "welcome", "ana", hint, "M54")
            ana.send("once more")
            hint = "Five came at once, to a new process. Only one subscribes, for all."
            for client in early:
                hears(ex1_relay, client, "once more", "ana", hint, "M54")
            # By now, all that the five have asked for has been done.
            expect_subscriptions(ex1_relay, 3, hint, misconception="M54")


# 5.2 comeback

WITHIN = 4.0
"""Seconds that the exercise gives: to be told, and to be back. With a time-out of one
second each takes one or two; with redis-py's own, of five, it is late."""

LIMIT = 4.7
"""Seconds after which whoever is told only then is not in time, on no machine."""

LATE = 3
"""Times that somebody must be told late, to be told so."""

STARTED = 10.0
"""Seconds within which a process must have subscribed for the first time."""

OPEN = "Redis is away, the sockets stay open. Who says so, and to whom?"
ANEW = "Redis was back, your listener was not. Who subscribes anew, and how soon?"
ALONE = "ana speaks, and is heard again. Nothing else should be heard."
ONCE_MORE = "Redis had it, its reply was lost. Who published it once more?"
TELL = "A sender is told what became of it, whatever went wrong with Redis."
MORE = (
    "Two processes, and one subscription each will do. Who else subscribes, and when?"
)
AS_JSON = 'Its sender is told so as a JSON object, which has the key "error".'
ERROR = 'JSON {"error": "..."}'


def test_all_hear_it_once_whichever_process_serves_them(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo):
        for text in ("one", "two", "three"):
            say(ex2_comeback, text, ana, bo, hint="All hear it, the sender too, once.")


@contextmanager
def pair(answer: Answer) -> Iterator[tuple[Client, Client]]:
    """Two clients, each at a process of its own that has subscribed."""
    patience = answer.reply
    answer.reply = min(WITHIN, patience)
    try:
        with come(answer, "ana") as ana, come(answer, "bo", worker=2) as bo:
            outlast(answer, STARTED, lambda: subscriptions(answer) >= 2)
            outlast(answer, answer.reply, lambda: subscriptions(answer) == 2)
            expect_start(answer)
            yield ana, bo
    finally:
        answer.reply = patience


def expect_start(answer: Answer) -> None:
    """Both processes must have subscribed, and not have given up since."""
    asked = sum(words[0] in SUBSCRIBING for words in answer.redis.commands())
    hint, misconception = (
        "Each process subscribes once, when it starts, and none twice.",
        None,
    )
    if asked >= 2 > subscriptions(answer):
        hint, misconception = ANEW, "M04"
    with at_once(answer):
        answer.expect_subscriptions(2, hint, misconception=misconception)


def say(answer: Answer, text: str, ana: Client, *others: Client, hint: str) -> None:
    """What ana says, all must hear, she too, once and next.

    Where her app takes a machine that stood still for a Redis that is away, it may
    say so, and connect anew: then she says it in other words.
    """
    people, words, is_told = (ana, *others), text, False
    for number in range(1, TRIES + 1):
        words = text if number == 1 else f"{text} ({number})"
        accepted = answer.redis.accepted
        reached, is_told = reaches(answer, words, ana, people)
        anew = (answer.redis.accepted, subscriptions(answer)) != (accepted, 2)
        if not is_told and (reached or not anew):
            break
    for client in people:
        expect_last(answer, client, ana, words, hint, is_told)


def reaches(
    answer: Answer, text: str, ana: Client, people: tuple[Client, ...]
) -> tuple[bool, bool]:
    """Ana says it; whether all have heard it, and whether she is told otherwise."""
    before = len(heard(answer, ana))

    def have_heard() -> bool:
        return all(text in texts_of(answer, client) for client in people)

    def is_told() -> bool:
        return any(map(is_error, texts_of(answer, ana)[before:]))

    ana.send(text, hint=OPEN)
    outlast(answer, answer.reply, lambda: have_heard() or is_told() or has_ended(ana))
    if is_told():
        outlast(answer, ROUND, have_heard)  # it may have been published all the same
    return have_heard(), is_told()


def texts_of(answer: Answer, client: Client) -> list[str]:
    """Every text that has come to this client, read or not."""
    return [str(event.data) for event in heard(answer, client)]


def has_ended(client: Client) -> bool:
    """Whether the server has ended this client's connection."""
    mine = [e for e in client.wire if e.client == client.name and e.direction == "in"]
    return bool(mine) and mine[-1].kind in ("close", "end")


def is_error(text: str) -> bool:
    """Whether this tells that something was not published."""
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return isinstance(said, dict) and [*said] == ["error"] and bool(said["error"])


def expect_last(
    answer: Answer, client: Client, ana: Client, text: str, hint: str, is_told: bool
) -> None:
    """This must be next, but for what ana has said before, and nobody has heard.

    She may have been told, too, that it was not published; not of the last.
    """
    sent = [e for e in answer.wire if e.client == ana.name and e.kind == "text"]
    said = [str(event.data) for event in sent if event.direction == "out"]
    while len(heard(answer, client)) > client.received:
        came = texts_of(answer, client)[client.received]
        late = came in said and came not in texts_of(answer, client)[: client.received]
        told = client is ana and is_error(came) and not is_told
        if came == text or not (late or told):
            break
        client.receive()
    try:
        with having_waited(client):
            client.expect(text, hint=hint)
    except Failure as failure:
        explain_last(answer, client, failure)
        raise


def explain_last(answer: Answer, client: Client, failure: Failure) -> None:
    """What else there is to say when another thing has come, or nothing."""
    came = failure.event.data if failure.event is not None else None
    if failure.event is not None and failure.event.kind in ("close", "end"):
        failure.hint = OPEN
    elif isinstance(came, str) and is_error(came):
        failure.hint = failure.hint if client.sent.startswith("text") else ALONE
    elif came and texts_of(answer, client).count(str(came)) > 1:
        published = [words[-1] for words in answer.redis.commands("PUBLISH")]
        if len({one for one in published if str(came) in one}) < sum(
            str(came) in one for one in published
        ):
            failure.hint, failure.misconception = ONCE_MORE, "M55"
    name_a_stray(failure, client)


def expect_all(answer: Answer, texts: list[str], *clients: Client, hint: str) -> None:
    """These texts must come next, to each."""
    for client in clients:
        for text in texts:
            try:
                with patient(answer, client):
                    client.expect(text, hint=hint)
            except Failure as failure:
                name_a_stray(failure, client)
                raise


def expect_told(answer: Answer, client: Client) -> None:
    """The next that this client hears must be that its text was not published."""
    try:
        with patient(answer, client):
            came = client.receive(ERROR)
    except Failure as failure:
        ended = failure.event is not None and failure.event.kind in ("close", "end")
        failure.hint = OPEN if ended else TELL
        raise
    if not isinstance(came, str) or not is_error(came):
        texts = [event for event in answer.wire if event.kind == "text"]
        said = came in [event.data for event in texts if event.direction == "out"]
        raise instead_of(ERROR, answer, client, TELL if said else AS_JSON)


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
    outlast(answer, answer.reply, lambda: subscriptions(answer) == 2)
    try:
        with at_once(answer):
            answer.expect_subscriptions(2, ANEW, misconception="M04")
    except Failure as failure:
        if subscriptions(answer) > 2:
            failure.hint, failure.misconception = MORE, "M29"
        else:
            failure.got += f", {answer.reply:g} s after Redis was back"
        raise


def test_it_lives_through_a_restart_of_redis(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo), come(ex2_comeback, "cy") as cy:
        ex2_comeback.redis.kill()
        for client in (ana, bo):
            client.send("lost", hint=OPEN)
            expect_told(ex2_comeback, client)
        stay_away(ex2_comeback)
        ex2_comeback.redis.start()
        expect_comeback(ex2_comeback)
        expect_delivery(ex2_comeback, ana, bo, cy)
        catch_up(ex2_comeback, ana, bo, cy)
        # Again: all three hear, and so have whatever subscriptions they would have.
        expect_comeback(ex2_comeback)


def stay_away(answer: Answer) -> None:
    """Let time pass without Redis: on a machine that stands still, more of it."""
    began = time.monotonic()
    outlast(answer, AWAY)
    if time.monotonic() - began > 1.5 * AWAY:
        outlast(answer, 2 * AWAY)  # so that hasty tries are used up there, too


def test_it_lives_through_the_end_of_its_subscription(ex2_comeback: Answer) -> None:
    with (
        pair(ex2_comeback) as (ana, bo),
        come(ex2_comeback, "cy", worker=2) as cy,
    ):
        ex2_comeback.redis.drop_subscribers()
        expect_comeback(ex2_comeback)
        expect_delivery(ex2_comeback, bo, ana, cy)
        catch_up(ex2_comeback, bo, ana, cy)


def test_nobody_hears_anything_twice(ex2_comeback: Answer) -> None:
    with pair(ex2_comeback) as (ana, bo):
        again = ""
        for number in range(1, TRIES + 1):
            again = "" if number == 1 else f" ({number})"
            if both_get_there(ex2_comeback, ana, bo, again):
                break  # else the machine stood still, and the app has said so
        hint = "This got to Redis, and only the reply was lost."
        hears(ex2_comeback, bo, f"once{again}", "ana", hint)
        hears(ex2_comeback, bo, f"next{again}", "ana", ONCE_MORE, "M55")


def both_get_there(answer: Answer, ana: Client, bo: Client, again: str) -> bool:
    """Lose the reply to the first of two texts; whether bo has heard both, or more.

    If not, he reads what he has heard.
    """
    once, following = f"once{again}", f"next{again}"
    answer.redis.lose_replies(1, to="PUBLISH")
    ana.send(once, hint=OPEN)
    ana.send(following, hint=OPEN)
    outlast(
        answer,
        answer.reply,
        lambda: (
            all(following in texts_of(answer, one) for one in (ana, bo))
            or sum(map(is_error, texts_of(answer, ana)[ana.received :])) > 1
        ),
    )
    came = texts_of(answer, bo)[bo.received :]
    if came == [once, following] or came.count(once) > 1 or came.count(following) > 1:
        return True
    for client in (ana, bo):
        while len(heard(answer, client)) > client.received:
            client.receive()
    return False


def test_who_speaks_to_a_silent_redis_is_told(ex2_comeback: Answer) -> None:
    redis = ex2_comeback.redis
    with pair(ex2_comeback) as (ana, bo), come(ex2_comeback, "cy") as cy:
        served, turns, took, late = False, False, 0.0, 0
        for _ in range(TRIES):
            redis.swallow()
            swallowed = redis.swallowed
            ana.send("lost", hint=OPEN)
            outlast(ex2_comeback, ana.reply, lambda n=swallowed: redis.swallowed > n)
            turns = ex2_comeback.take_turns(TURN)
            served = is_served_before(cy, ana)
            took = time_until_told(ex2_comeback, ana)
            redis.deliver()
            late += took >= LIMIT
            if (served and took < LIMIT) or not (served or turns) or late == LATE:
                break  # else the machine stood still, or it cannot be known
        if not served and (took < LIMIT or not turns):
            raise stood_still(ex2_comeback, cy)
        if took >= LIMIT:
            raise told_late(ex2_comeback, ana)
        expect_delivery(ex2_comeback, ana, bo)


def is_served_before(cy: Client, ana: Client) -> bool:
    """Whether cy gets all pongs before ana gets her answer.

    Each costs the event loop a turn, and what ana said came before them: in some turn
    it is taken up, and who waits for Redis without giving way holds the next pong
    until she has her answer. And one for ana: what came to her has been seen, too.
    """
    patience = cy.reply + SLOW
    served = all(cy.ping(patience) and not has_more(ana) for _ in range(TURNS))
    return served and ana.ping(patience) and not has_more(ana)


def time_until_told(answer: Answer, ana: Client) -> float:
    """Seconds by the clock that it took until ana was told that it was not published.

    An app goes by the clock, too. So it is waited for by the clock, and longer only
    where the machine stood still meanwhile; nobody is refused for such a wait.

    Raises:
        Failure: she was not told, or something else.
    """
    began, patience = time.monotonic(), ana.reply
    outlast(answer, patience, lambda: has_more(ana))
    if time.monotonic() - began > 1.5 * patience:
        outlast(answer, LIMIT + SLOW, lambda: has_more(ana))
    with having_waited(ana):
        expect_told(answer, ana)
    mine = [e for e in answer.wire if e.client == ana.name]
    spoke = [e for e in mine if e.direction == "out" and e.kind == "text"][-1]
    return heard(answer, ana)[ana.received - 1].time - spoke.time


def told_late(answer: Answer, ana: Client) -> Failure:
    """What to say when it took an app too long, again and again."""
    failure = instead_of(ERROR, answer, ana, TELL)
    failure.got = f"nothing for {WITHIN:g} s"
    return failure


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
    texts: list[str] = []

    def all_hear() -> bool:
        return all(len(heard(answer, one)) > one.received for one in others)

    for number in range(1, round(answer.reply / NEXT) + 1):
        texts.append(f"back {number}")
        ana.send(texts[-1], hint=OPEN)
        if outlast(answer, NEXT, all_hear):
            break
    for client in others:
        if receive(client) not in texts:
            raise instead_of("what ana says now", answer, client, ALONE)


def catch_up(answer: Answer, ana: Client, *others: Client) -> None:
    """Hear all that is on its way, or the next check would."""
    text = ""
    for number in range(1, TRIES + 1):
        text = f"over {number}"
        if reaches(answer, text, ana, (ana, *others))[0]:
            break
        while has_more(ana):
            receive(ana)  # that it was not published, as the machine stood still
    for client in (ana, *others):
        while receive(client) != text:
            pass  # what was said before


def receive(client: Client) -> str | bytes:
    """The next text after the comeback, which has come or will not."""
    try:
        with having_waited(client):
            return client.receive("what ana says now")
    except Failure as failure:
        failure.hint = "Redis is back, and has the subscription. What does ana get?"
        raise


# 5.3 rooms


def test_nothing_crosses_from_room_to_room(ex3_rooms: Answer) -> None:
    with (
        come(ex3_rooms, "ana", "/ws?room=red") as ana,
        come(ex3_rooms, "bo", "/ws?room=blue") as bo,
        come(ex3_rooms, "cy", "/ws?room=red", worker=2) as cy,
        come(ex3_rooms, "dee", "/ws?room=*", worker=2) as dee,
        come(ex3_rooms, "eve", "/ws?room=blue", worker=2) as eve,
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
                expect_all(ex3_rooms, [text], *room, hint=hint)
        dee.send("nobody here")
        hint = "The room named * is a room like any other, with dee alone in it."
        expect_all(ex3_rooms, ["nobody here"], dee, hint=hint)


def test_nobody_is_accepted_before_redis_has_confirmed(ex3_rooms: Answer) -> None:
    before = set(ex3_rooms.redis.subscriptions())
    with come(ex3_rooms, "ana", "/ws?room=green", worker=2) as ana:
        ex3_rooms.get("/")  # so that the process serves, whatever it answers
        with silent(ex3_rooms, worker=1) as held:
            early = come_together(ex3_rooms, 5, held, "/ws?room=green")
        with ExitStack() as stack:
            for client in early:
                stack.enter_context(client)
            hint = "Five came into an empty room at once. One subscribes, for all."
            expect_two_more(ex3_rooms, before, hint)
            ana.send("green")
            expect_all(ex3_rooms, ["green"], *early, hint=hint)


def expect_two_more(answer: Answer, before: set[str], hint: str) -> None:
    """Two processes must have subscribed to a room that nobody was in."""

    def new(link: Link) -> dict[str, int]:
        found = link.subscriptions().items()
        return {name: count for name, count in found if name not in before}

    soon = min(SOON, answer.reply)
    if outlast(answer, soon, lambda: sum(new(answer.redis).values()) == 2):
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
            people[room] = come(ex3_rooms, f"in {room}", path)
            stack.enter_context(people[room])
        for number in (1, 2):
            for room, client in people.items():
                client.send(f"{number}, in {room}")
                expect_all(ex3_rooms, [f"{number}, in {room}"], client, hint=NAMED)


NOBODY = "The last one has left, and the process still listens. Who unsubscribes?"
BLACK = "Only cy is there, in the black room. Others were left. Who unsubscribes?"
AGAIN = "The room was empty, and is used again. Is all of it begun anew?"
RAISED = "A binary message came: your handler raised. Who unsubscribes then?"
GONE = "cy is in the black room, and its process does not hear it. Who subscribes?"
EARLY = "bo has gone before he was accepted. Who takes him out of the room again?"


def test_the_last_one_out_unsubscribes(ex3_rooms: Answer) -> None:
    with come(ex3_rooms, "cy", "/ws?room=black") as cy:
        with come(ex3_rooms, "ana", "/ws?room=white") as ana:
            with come(ex3_rooms, "bo", "/ws?room=white"):
                pass
            ana.send("still here")
            expect_all(
                ex3_rooms,
                ["still here"],
                ana,
                hint="bo has left the room, not the last.",
            )
        expect_subscriptions(ex3_rooms, 1, BLACK, GONE)
        cy.send("and I")
        expect_all(
            ex3_rooms,
            ["and I"],
            cy,
            hint="The white room is empty. cy is in the black one.",
        )
    expect_subscriptions(ex3_rooms, 0, NOBODY)


def test_the_first_one_in_subscribes_for_all(ex3_rooms: Answer) -> None:
    with (
        come(ex3_rooms, "ana", "/ws?room=red") as ana,
        come(ex3_rooms, "bo", "/ws?room=red") as bo,
        come(ex3_rooms, "cy", "/ws?room=red") as cy,
    ):
        hint = "Three clients in one room of one process. One subscription will do."
        expect_subscriptions(ex3_rooms, 1, hint, AGAIN, misconception="M29")
        bo.send("hello")
        expect_all(
            ex3_rooms, ["hello"], ana, bo, cy, hint="All in the room hear it, once."
        )
        ana.send("bye")
        expect_all(
            ex3_rooms, ["bye"], ana, bo, cy, hint="All in the room hear it, once."
        )


def test_who_vanishes_has_left_as_well(ex3_rooms: Answer) -> None:
    for number in (1, 2):
        # Of two clients of one name, nobody would know which has heard what.
        with come(ex3_rooms, f"client {number}", "/ws?room=red") as ana:
            ana.send(f"here {number}")
            expect_all(ex3_rooms, [f"here {number}"], ana, hint=AGAIN)
            ana.abort()
        expect_subscriptions(ex3_rooms, 0, NOBODY)


def test_who_leaves_by_an_error_has_left_as_well(ex3_rooms: Answer) -> None:
    with come(ex3_rooms, "ana", "/ws?room=red") as ana:
        ana.send(b"no text")  # by which iter_text() and receive_text() raise a KeyError
        # A handler that lives through it gets a text, and answers that.
        with suppress(Failure), patient(ex3_rooms, ana):
            ana.send("still here")
            ana.receive()
        ana.abort()
    expect_subscriptions(ex3_rooms, 0, RAISED)


def test_who_goes_before_it_was_accepted_has_left_as_well(ex3_rooms: Answer) -> None:
    redis = ex3_rooms.redis
    redis.hold_subscriptions()
    come_and_vanish(ex3_rooms, "bo", "/ws?room=red")
    redis.resume()
    with come(ex3_rooms, "ana", "/ws?room=red") as ana:
        ana.send("anybody?")
        expect_all(ex3_rooms, ["anybody?"], ana, hint=AGAIN)
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
        outlast(answer, answer.reply, lambda: asked_to_subscribe(answer.redis))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answer.wire.record(who, "out", "end")
    # Whatever this is answered: its process has learnt by then that `who` has gone.
    answer.reply += SLOW
    answer.get("/")
    answer.reply -= SLOW


def asked_to_subscribe(link: Link) -> bool:
    return any(words[0] in SUBSCRIBING for words in link.commands())


def test_one_comes_while_another_leaves(ex3_rooms: Answer) -> None:
    leaving = come(ex3_rooms, "client 0", "/ws?room=red")
    for number in range(1, 9):
        leaving.abort()
        with ExitStack() as stack:
            client = come(ex3_rooms, f"client {number}", "/ws?room=red")
            stack.enter_context(client)
            for text in (f"one {number}", f"two {number}"):
                client.send(text)
                hint = "The one before left when this one came. The room lives on."
                expect_all(ex3_rooms, [text], client, hint=hint)
            stack.pop_all()
            leaving = client
    leaving.close()
    expect_subscriptions(ex3_rooms, 0, NOBODY)
