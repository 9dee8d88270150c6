"""Chapter 4's app tells everyone everything, whoever comes, goes or does not read.

After each test the fixtures look whether every handler and every task has ended, none
by an exception, the room is empty, the log shows no traceback, and the next clients
hear each other.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import psutil
import pytest
from starlette.types import Message

from chapters.ch04_broadcast import app as chapter
from tests.ch01_echo.raw import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    RawClient,
    close,
    frame,
)
from tests.ch04_broadcast.conftest import APP, held, unharmed
from tests.ch04_broadcast.crowd import Crowd, Person, said
from tests.conftest import Promise
from tests.waiting import DEADLINE, wait_until
from workbook.server import Server

pytestmark = pytest.mark.xdist_group("ch04 app")  # one server for nearly all of them

KIB, MIB = 1 << 10, 1 << 20


def polite(person: RawClient) -> None:
    with person:
        person.send(close(1000))
        assert list(person.receive_all())[-1] == Frame(CLOSE, b"\x03\xe8")


def abrupt(person: RawClient) -> None:
    person.reset()


WAYS = pytest.mark.parametrize("leave", [polite, abrupt])


def connect(server: Server, name: str) -> RawClient:
    """A client that has been accepted."""
    client = RawClient(server.port, f"/ws?username={name}")
    assert client.response() == 101
    return client


def have_heard(people: Iterable[Person], texts: int) -> Callable[[], bool]:
    return lambda: all(len(person.heard) >= texts for person in people)


# On the wire


def test_the_page_is_html(server: Server) -> None:
    response = httpx.get(server.http, timeout=DEADLINE)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in response.text.lower()


def test_all_others_hear_a_text_and_its_sender_does_not(server: Server) -> None:
    with (
        server.connect("ana", "/ws?username=ana") as ana,
        server.connect("bo", "/ws?username=bo") as bo,
        server.connect("cy", "/ws?username=cy") as cy,
    ):
        ana.send("X")
        assert json.loads(bo.receive()) == {"username": "ana", "message": "X"}
        assert json.loads(cy.receive()) == {"username": "ana", "message": "X"}

        bo.send("Y")
        ana.expect_json({"username": "bo", "message": "Y"})
        cy.expect_json({"username": "bo", "message": "Y"})


@pytest.mark.parametrize(
    "text",
    ["", "Grüße, 👋🏽!", "\0", r"\ud800", '{"message": 1}', "x" * 2 * MIB],
    ids=["empty", "unicode", "nul", "surrogate escape", "json", "2 MiB"],
)
def test_any_text_is_passed_on(server: Server, text: str) -> None:
    with server.connect("ana", compression=True) as ana, server.connect("bo") as bo:
        ana.send(text)
        bo.expect_json({"username": "Anonymous", "message": text})
        bo.send("and on")
        ana.expect_json({"username": "Anonymous", "message": "and on"})


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "Anonymous"),
        ("?username=", ""),
        ("?username=a%26b%3D%23%20%2B", "a&b=# +"),
        ("?username=%F0%9F%91%8B", "👋"),
        ("?username=%FF", "\ufffd"),
        ("?username=%3Cb%3E%22", '<b>"'),
    ],
)
def test_any_name_is_said(server: Server, query: str, name: str) -> None:
    with server.connect("ana", f"/ws{query}") as ana, server.connect("bo") as bo:
        ana.send("I am")
        bo.expect_json({"username": name, "message": "I am"})


def test_namesakes_hear_each_other(server: Server) -> None:
    with Crowd(server.port) as crowd:
        namesakes = [crowd.join("ana") for _ in range(4)]
        for number, ana in enumerate(namesakes):
            ana.say(f"I am number {number}")
        crowd.until(have_heard(namesakes, 3), "each has heard three")

        for number, ana in enumerate(namesakes):
            others = [n for n in range(4) if n != number]
            expected = [said("ana", f"I am number {n}") for n in others]
            assert sorted(ana.heard) == expected


@pytest.mark.parametrize("data", [b"", b"bytes"], ids=["empty", "not empty"])
def test_a_binary_message_is_refused_with_1003(server: Server, data: bytes) -> None:
    with connect(server, "ana") as ana, server.connect("bo") as bo:
        ana.send(frame(TEXT, b"before") + frame(BINARY, data) + frame(TEXT, b"after"))

        assert ana.receive() == Frame(CLOSE, b"\x03\xebthis socket takes text only")
        ana.send(close(1003))
        assert ana.receive() is None
        bo.expect_json({"username": "ana", "message": "before"})
        with server.connect("cy") as cy:
            cy.send("next")
            bo.expect_json({"username": "Anonymous", "message": "next"})


# Who leaves


@WAYS
def test_what_was_said_before_leaving_is_passed_on(
    server: Server, leave: Callable[[RawClient], None]
) -> None:
    texts = [f"before I go, {number}" for number in range(1000)]
    with Crowd(server.port) as crowd:
        bo, cy = crowd.join("bo"), crowd.join("cy")
        ana = connect(server, "ana")
        # The others talk on, so that there is always something to send to ana.
        cy.say(*(f"{number}" for number in range(5000)))
        ana.send(b"".join(frame(TEXT, text.encode()) for text in texts) + frame(PING))
        # A ping is answered as it comes: so the server has the texts before it.
        while (received := ana.receive()) is not None and received.opcode != PONG:
            pass
        leave(ana)
        crowd.until(have_heard([bo], 6000), "bo has heard all")
        crowd.until(have_heard([cy], 1000), "cy has heard ana")

    last_words = [said("ana", text) for text in texts]
    assert [each for each in bo.heard if each in set(last_words)] == last_words
    assert cy.heard == last_words


@WAYS
def test_one_dead_client_costs_the_others_nothing(
    server: Server, leave: Callable[[RawClient], None]
) -> None:
    with Crowd(server.port) as crowd:
        first = crowd.join("first")
        dead = connect(server, "dead")
        last = crowd.join("last")
        leave(dead)
        first.say(*(f"{number}" for number in range(100)))
        crowd.until(have_heard([last], 100), "last hears first")
        last.say("still here")
        crowd.until(have_heard([first], 1), "first hears last")

    assert last.heard == [said("first", f"{number}") for number in range(100)]


def test_a_client_may_vanish_before_it_is_accepted(server: Server) -> None:
    with server.connect("ana") as ana, server.connect("bo") as bo:
        for number in range(50):
            RawClient(server.port, "/ws").reset()
            ana.send(f"{number}")
            bo.expect_json({"username": "Anonymous", "message": f"{number}"})


@pytest.mark.parametrize(
    "last",
    [frame(TEXT, b"\xff"), frame(TEXT, rsv=1), frame(3)],
    ids=["not UTF-8", "reserved bit", "reserved opcode"],
)
def test_a_client_may_break_the_protocol(server: Server, last: bytes) -> None:
    with server.connect("bo") as bo, server.connect("cy") as cy:
        for number in range(20):
            ana = connect(server, "ana")
            ana.send(frame(TEXT, f"{number}".encode()))
            bo.expect_json({"username": "ana", "message": f"{number}"})
            ana.send(last)
            cy.send("meanwhile")
            bo.expect_json({"username": "Anonymous", "message": "meanwhile"})
            assert list(ana.receive_all())[-1].opcode == CLOSE
            ana.reset()


def test_each_hears_all_that_is_said_while_it_is_in_the_room(
    server: Server, promise: Promise
) -> None:
    with Crowd(server.port) as crowd:
        witness, host = crowd.join("witness"), crowd.join("host")
        people = [crowd.join(f"p{number}") for number in range(50)]
        leavers, stayers = people[:10], people[10:]
        spoken = {p.name: [f"{n}" for n in range(200)] for p in stayers}
        spoken |= {p.name: [f"{n}" for n in range(100)] for p in leavers}
        spoken["host"] = []
        for person in people:
            person.say(*spoken[person.name])
            person.ping()

        joiners: list[Person] = []
        for number, leaver in enumerate(leavers):
            # On the way: when another tenth of it all has been said.
            crowd.until(have_heard([witness], 800 * (number + 1)), "a part is said")
            go_away(crowd, leaver, abruptly=number % 2 == 1)
            mark(crowd, host, witness, spoken["host"], f"before {number}")
            joiner = crowd.join(f"joiner{number}")
            mark(crowd, host, witness, spoken["host"], f"after {number}")
            spoken[joiner.name] = [f"{n}" for n in range(100)]
            joiner.say(*spoken[joiner.name])
            joiners.append(joiner)

        total = sum(map(len, spoken.values()))
        crowd.until(have_heard([witness], total), "all is said")
        mark(crowd, host, witness, spoken["host"], "the end")
        end = said("host", "the end")
        rest = [*stayers, *joiners]
        crowd.until(lambda: all(p.heard[-1:] == [end] for p in rest), "all have heard")

    # The order in which it was all said, and by whom.
    order = [(json.loads(each)["username"], each) for each in witness.heard]
    for name, texts in spoken.items():
        assert [each for who, each in order if who == name] == [
            said(name, text) for text in texts
        ]
    assert len(order) == total + 1
    for person in stayers:
        assert person.heard == without(order, person.name)
    for person in leavers:
        others = without(order, person.name)
        assert person.heard == others[: len(person.heard)]
    for number, person in enumerate(joiners):
        first = witness.heard.index(person.heard[0])
        assert witness.heard.index(said("host", f"before {number}")) < first
        assert first <= witness.heard.index(said("host", f"after {number}"))
        assert person.heard == without(order[first:], person.name)
    deliveries = sum(len(p.heard) for p in [witness, *people, *joiners])
    promise(
        f"chapter 4: 50 people, 10 leave and 10 join on the way: {deliveries} texts "
        "delivered, 0 lost, 0 twice, 0 out of order"
    )


def go_away(crowd: Crowd, person: Person, *, abruptly: bool) -> None:
    """It leaves, and has heard something; what it said has come to the server."""
    crowd.until(lambda: bool(person.heard and person.pongs), f"{person.name} is heard")
    if abruptly:
        crowd.reset(person)
    else:
        person.say_goodbye()
        crowd.until(lambda: person.ended, f"{person.name} has left")
        assert person.closed == Frame(CLOSE, b"\x03\xe8")


def mark(
    crowd: Crowd, host: Person, witness: Person, spoken: list[str], text: str
) -> None:
    """The host says something, and the witness has heard it when this returns."""
    host.say(text)
    spoken.append(text)
    marker = said("host", text)
    crowd.until(lambda: marker in witness.heard[-5000:], f"{text!r} is heard")


def without(order: list[tuple[str, bytes]], name: str) -> list[bytes]:
    """What somebody hears of it: all but what it said itself."""
    return [each for who, each in order if who != name]


def test_a_thousand_visits_leave_nothing(server: Server, promise: Promise) -> None:
    process = psutil.Process(server.process.pid)
    with server.connect("ana") as ana:
        come_and_go(server, 200)  # whatever Python keeps for the next, it has then
        objects, memory = held(server, "objects"), process.memory_info().rss

        come_and_go(server, 1000)

        wait_until(lambda: held(server, "members") == 1, "all but ana have left")
        wait_until(lambda: server.tasks() == server.idle_tasks + 2, "her tasks alone")
        more_objects = held(server, "objects") - objects
        more_memory = process.memory_info().rss - memory
        for _ in range(1200):
            ana.expect_json({"username": "bo", "message": "hello"})

    assert more_objects < 200
    assert more_memory < MIB
    promise(
        f"chapter 4: 1000 visits, every other one ends abruptly: 0 members, 0 tasks, "
        f"{more_objects} objects and {more_memory / KIB:.0f} KiB more than before"
    )


def come_and_go(server: Server, visits: int) -> None:
    for number in range(visits):
        bo = connect(server, "bo")
        bo.send(frame(TEXT, b"hello") + frame(PING))
        while bo.receive() != Frame(PONG):
            pass
        (abrupt if number % 2 else polite)(bo)


# Who says much, and who does not read


@pytest.mark.parametrize(
    ("people", "texts", "size"), [(20, 500, 100), (10, 40, 64 * KIB)]
)
def test_a_flood_evicts_nobody_and_loses_nothing(
    server: Server, promise: Promise, people: int, texts: int, size: int
) -> None:
    spoken = [f"{number}".ljust(size) for number in range(texts)]
    with Crowd(server.port) as crowd:
        everyone = [crowd.join(f"p{number}") for number in range(people)]
        for person in everyone:
            person.say(*spoken)
        total = (people - 1) * texts
        crowd.until(
            lambda: any(p.closed for p in everyone) or have_heard(everyone, total)(),
            "everyone has heard everything, or one has been let go",
        )
        assert [p.name for p in everyone if p.closed] == []

    for person in everyone:
        heard: dict[str, list[str]] = {p.name: [] for p in everyone if p is not person}
        for payload in person.heard:
            one = json.loads(payload)
            heard[one["username"]].append(one["message"])
        assert all(each == spoken for each in heard.values())
    promise(
        f"chapter 4: a flood of {people} × {texts} texts of {size} bytes: "
        f"{people * total} delivered, 0 lost, 0 twice, 0 out of order, nobody let go"
    )


def test_who_never_reads_is_let_go_and_told_so_when_it_reads_on(
    server: Server, promise: Promise
) -> None:
    with Crowd(server.port) as crowd:
        ana = crowd.join("ana")
        others = [crowd.join(f"p{number}") for number in range(5)]
        sleeper = crowd.join("sleeper", buffer=4096)
        crowd.ignore(sleeper)
        spoken = talk_until(crowd, ana, others, lambda: held(server, "members") == 6)
        crowd.heed(sleeper)
        crowd.until(lambda: sleeper.closed is not None, "it is told why")
        sleeper.say_goodbye()
        crowd.until(lambda: sleeper.ended, "it has gone")

    expected = [said("ana", text) for text in spoken]
    assert all(person.heard == expected for person in others)
    assert sleeper.closed == Frame(CLOSE, b"\x03\xf5too slow: too much waits for you")
    assert sleeper.heard == expected[: len(sleeper.heard)]
    unsent = (len(expected) - len(sleeper.heard)) * len(expected[0])
    assert unsent < 2 * MIB
    promise(
        f"chapter 4: a client that never reads: let go when {unsent / MIB:.2f} MiB "
        f"waited for it; 5 others heard {len(expected)} of {len(expected)} texts"
    )


def talk_until(
    crowd: Crowd, ana: Person, others: list[Person], over: Callable[[], bool]
) -> list[str]:
    """Ana says texts of 8 KiB, which others hear, until it is over."""
    spoken: list[str] = []
    while not over():
        assert len(spoken) < 4000, "32 MiB were said, and it is not over"
        texts = [f"{len(spoken) + n}".ljust(8 * KIB) for n in range(20)]
        spoken += texts
        ana.say(*texts)
        crowd.until(have_heard(others, len(spoken)), "all is heard")
    return spoken


# With a server of its own, and mostly waiting: others run beside it.
@pytest.mark.xdist_group("ch04 patience")
def test_who_never_reads_and_is_never_told_leaves_all_the_same() -> None:
    with (
        Server(APP, constants={"GOODBYE": 0.1}) as server,
        unharmed(server),
        Crowd(server.port) as crowd,
    ):
        ana, bo = crowd.join("ana"), crowd.join("bo")
        sleeper = crowd.join("sleeper", buffer=4096)
        crowd.ignore(sleeper)
        two_left = server.idle_tasks + 2 * 2
        talk_until(crowd, ana, [bo], lambda: server.tasks() == two_left)


@pytest.mark.xdist_group("ch04 patience")
def test_who_answers_no_ping_and_then_reads_on_ends_quietly() -> None:
    def waits(words: str) -> Callable[[], bool]:
        return lambda: any(words in line.code for line in server.waiting())

    options: dict[str, Any] = {"ws_ping_interval": 0.3, "ws_ping_timeout": 4.0}
    huge = "x" * 6 * MIB  # more than the kernel keeps for a client that does not read
    with (
        Server(APP, log_level="trace", **options) as server,
        unharmed(server),
        server.connect("ana") as ana,
        RawClient(server.port, "/ws", buffer=4096) as let_go,
    ):
        assert let_go.response() == 101
        for _ in range(3):
            ana.send(huge)
        wait_until(waits("websocket.close("), "the app says goodbye to one")
        with RawClient(server.port, "/ws", buffer=4096) as behind:
            assert behind.response() == 101
            for _ in range(2):
                ana.send(huge)
            wait_until(waits("await send(text)"), "the app sends to the other")
            given_up = "keepalive ping timeout"
            for sleeper in (let_go, behind):
                line = f":{sleeper.port} - WebSocket {given_up}"
                wait_until(lambda line=line: line in server.log, "it is given up")

            for sleeper in (let_go, behind):
                last = list(sleeper.receive_all())[-1]
                assert last == Frame(CLOSE, b"\x03\xf3" + given_up.encode())


# A stand-in for uvicorn, for what it can do and not on demand

SCOPE: dict[str, Any] = {
    "type": "websocket",
    "path": "/ws",
    "headers": [],
    "query_string": b"",
}


def test_who_is_accepted_hears_what_is_said_in_the_same_moment() -> None:
    messages: list[Message] = [{"type": "websocket.connect"}]
    heard: list[str] = []

    async def receive() -> Message:
        if messages:
            return messages.pop()
        for _ in range(20):  # turns: more than the app takes
            await asyncio.sleep(0)
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: Message) -> None:
        if message["type"] == "websocket.accept":
            chapter.room.broadcast("at once", sender="nobody")
        else:
            heard.append(message["text"])

    asyncio.run(chapter.app(SCOPE, receive, send))

    assert heard == ["at once"]


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_whoever_cannot_be_told_goodbye_ends_quietly(error: type[Exception]) -> None:
    # It gives the client up (RuntimeError) or finds it gone (OSError) while a binary
    # message is waiting.
    messages: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "bytes": b"bytes"},
    ]
    sent: list[str] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "websocket.close":
            raise error

    asyncio.run(chapter.app(SCOPE, receive, send))

    assert sent == ["websocket.accept", "websocket.close"]
    assert len(chapter.room) == 0
