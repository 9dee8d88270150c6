"""Chapter 5's app passes on what is said in any process to everybody in all of them.

After each test the processes must stop as they should, with no traceback in their log.
"""

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from chapters.ch05_redis.channel import Channel
from tests.ch05_redis.conftest import (
    DEADLINE,
    Start,
    health,
    hears_nothing,
    said,
    wait_for_log,
    wait_for_redis,
)
from tests.ch05_redis.ears import Ears, run
from tests.conftest import Promise
from tests.waiting import wait_until
from workbook import course
from workbook.broker import shared
from workbook.link import Link


def envelope(number: int, text: str, process: str = "another") -> str:
    """What another process would publish."""
    return json.dumps(
        {"process": process, "number": number, "sender": "somebody", "text": text}
    )


def test_everybody_else_hears_it_in_every_process(start: Start, link: Link) -> None:
    here, there = start(link.url), start(link.url)
    with (
        here.connect("ana", "/ws?username=ana") as ana,
        here.connect("bo", "/ws?username=bo") as bo,
        there.connect("cy", "/ws?username=cy") as cy,
    ):
        ana.send("hello")
        for client in (bo, cy):
            client.expect_json(said("ana", "hello"))
        cy.send("hello, ana")
        for client in (ana, bo):
            client.expect_json(said("cy", "hello, ana"))


def test_people_of_one_name_hear_each_other(start: Start, link: Link) -> None:
    here, there = start(link.url), start(link.url)
    with here.connect("ana") as ana, there.connect("bo") as bo:
        for number in range(3):
            ana.send(f"ana {number}")
            bo.expect_json(said("Anonymous", f"ana {number}"))
            bo.send(f"bo {number}")
            ana.expect_json(said("Anonymous", f"bo {number}"))


def test_a_text_arrives_as_it_was(start: Start, link: Link) -> None:
    server = start(link.url)
    with server.connect("ana") as ana, server.connect("bo") as bo:
        for text in (
            "",
            "\x00",
            "\u2028",
            "<b>&amp;",
            '"}',
            "\U0001f600",
            "x" * 70_000,
        ):
            ana.send(text)
            bo.expect_json(said("Anonymous", text))


def test_a_binary_frame_is_refused(start: Start, link: Link) -> None:
    server = start(link.url)
    with server.connect("ana") as ana:
        ana.send(b"bytes")
        ana.expect_close(1003)
        wait_until(lambda: health(server)["members"] == 0, "ana has left")

    assert link.commands("PUBLISH") == []


def test_all_from_delivering_on_is_as_chapter_4_has_it() -> None:
    here, there = (
        course.find_chapter(name).app.read_text("utf-8").partition("async def deliver")
        for name in ("redis", "broadcast")
    )

    assert here[1:] == there[1:]
    assert here[2]


def test_a_process_has_one_subscription_and_three_connections_at_most(
    start: Start, link: Link, promise: Promise
) -> None:
    server = start(link.url)
    most = 0
    with ExitStack() as ends:
        people = [ends.enter_context(server.connect(f"p{n}")) for n in range(50)]
        for person in people:
            person.send("hello")
            most = max(most, link.connections())
        for person in people:
            for _ in range(len(people) - 1):
                person.receive()
        most = max(most, link.connections())

    assert link.subscriptions() == {"chat": 1}
    assert len(link.commands("SUBSCRIBE")) == 1
    assert most <= 3
    promise(f"ch05: 50 people in a process, and {most} connections to Redis")


class HesitantLink(Link):
    """Confirms no subscription until it is told to."""

    def _keep(self, words: list[bytes]) -> str:
        name = super()._keep(words)
        if name == "SUBSCRIBE":
            self._flows.clear()
        return name


def test_the_subscription_is_confirmed_before_anybody_is_served(start: Start) -> None:
    with HesitantLink(shared()) as link, ThreadPoolExecutor(1) as others:

        def confirm_it_late() -> None:
            link.until(lambda redis: redis.commands("SUBSCRIBE") != [], DEADLINE)
            link.until(lambda redis: False, 0.3)
            link.resume()

        confirmed = others.submit(confirm_it_late)
        server = start(link.url)

        assert link.subscriptions() == {"chat": 1}
        assert health(server)["redis"] == "up"
        confirmed.result()


# What others publish


def test_what_is_not_ours_is_passed_over(start: Start, link: Link) -> None:
    foreign = ["", "hello", "3", "null", "{}", "[" * 100_000, '{"process": 1}']
    foreign += [envelope(1, "x").replace("1", other) for other in ("null", "[]", "1.5")]
    server = start(link.url)
    with server.connect("ana") as ana, server.connect("bo") as bo:
        for text in foreign:
            assert link.publish("chat", text) == 1
        ana.send("hello")
        bo.expect_json(said("Anonymous", "hello"))

    wait_for_log("Somebody else uses this channel", server, len(foreign))
    assert len(link.commands("SUBSCRIBE")) == 1


def test_what_did_not_arrive_is_counted_and_what_is_late_is_dropped(
    start: Start, link: Link
) -> None:
    server = start(link.url)
    with server.connect("ana") as ana, server.connect("bo") as bo:
        for number in (7, 8, 8, 11, 9, 12):
            link.publish("chat", envelope(number, f"text {number}"))
        for number in (7, 8, 11, 12):
            bo.expect(f"text {number}")
        for _ in range(4):
            ana.receive()
        hears_nothing(bo, ana)

    assert health(server)["lost"] == 2
    wait_for_log("2 lost", server)


def test_another_process_may_begin_anywhere(start: Start, link: Link) -> None:
    server = start(link.url)
    with server.connect("bo") as bo:
        link.publish("chat", envelope(500, "one", process="one"))
        link.publish("chat", envelope(3, "two", process="two"))
        bo.expect("one")
        bo.expect("two")

    assert health(server)["lost"] == 0


# What the process says about itself


def test_it_says_how_it_is(start: Start, link: Link) -> None:
    server = start(link.url)
    with server.connect("ana"):
        wait_until(lambda: health(server)["members"] == 1, "ana is there")
        told = health(server)

    assert told == {
        "process": server.process.pid,
        "redis": "up",
        "lost": 0,
        "members": 1,
    }


def test_without_a_redis_at_its_start_it_says_so_and_heals(start: Start) -> None:
    with Link(shared()) as link:
        link.kill()
        server = start(link.url, patience=3.0)
        with server.connect("ana") as ana, server.connect("bo") as bo:
            assert health(server)["redis"] == "away"
            wait_for_log("Redis is away", server)
            ana.send("hello")
            error = json.loads(ana.receive())
            link.start()
            wait_for_redis("up", server)
            ana.send("hello again")
            bo.expect_json(said("Anonymous", "hello again"))

    assert list(error) == ["error"]
    assert error["error"] == "Redis is away. Perhaps nobody has heard this: hello"
    wait_for_log("Redis is back", server)


@pytest.mark.usefixtures("patience")
def test_a_process_that_was_forked_is_not_taken_for_its_parent(link: Link) -> None:
    async def talk() -> None:
        parent, above = Channel(link.url, "chat"), Ears()
        # As by a fork, when the app had been imported.
        child, below = copy.deepcopy(parent), Ears()
        async with parent.open(above.hear), child.open(below.hear):
            await parent.publish("ana", "one")
            await child.publish("bo", "two")
            await above.wait_for("two")
            await below.wait_for("two")

    run(talk())
