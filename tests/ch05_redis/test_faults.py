"""Redis goes away and comes back: sockets stay, senders are told, delivery is back.

Each fault is done to a real server of our own, or to the link that leads to it. The
channel by itself is driven in this process. Redis is away for neither while a busy
machine stands still.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from chapters.ch05_redis import channel as chapter
from chapters.ch05_redis.channel import Channel, NotPublished, Said
from tests.ch05_redis.conftest import (
    DEADLINE,
    Start,
    health,
    said,
    wait_for_log,
    wait_for_redis,
)
from tests.ch05_redis.ears import Ears, run
from tests.conftest import Promise
from tests.waiting import wait_until
from workbook.broker import Broker
from workbook.client import Client
from workbook.link import Link

BACK = 3 * 3.0
"""Seconds after Redis until what is said is delivered again: three times what the card
promises, for a busy machine. What was measured is printed."""


HURRIED = 2.5
"""Seconds in which Redis must answer, where only this tells that it is away. The
chapter has it wait for one second: on a busy machine that is no sign of anything."""


class Fault(NamedTuple):
    """Something that happens to Redis, and its end."""

    what: str
    begin: Callable[[Broker, Link], object]
    end: Callable[[Broker, Link], object]
    answer: float = DEADLINE  # seconds in which Redis must answer


def kill_subscriptions(broker: Broker, link: Link) -> None:
    link.refuse()  # or they would be back before anybody has said a word
    if "fakeredis" in broker.name:  # which knows no CLIENT KILL
        link.drop_subscribers()
    else:
        assert broker.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 2


FAULTS = [
    Fault("killed", lambda b, _: b.kill(), lambda b, _: b.start()),
    Fault("stopped", lambda b, _: b.pause(), lambda b, _: b.resume(), HURRIED),
    Fault("unplugged", lambda _, k: k.swallow(), lambda _, k: k.deliver(), HURRIED),
    Fault("rid of its subscribers", kill_subscriptions, lambda _, k: k.allow()),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.what for fault in FAULTS])
def test_redis_goes_away_and_comes_back(
    fault: Fault, start: Start, promise: Promise
) -> None:
    with Broker(private=True) as broker, Link(broker) as link:
        here, there = (start(link.url, answer=fault.answer) for _ in range(2))
        with (
            here.connect("ana", reply=DEADLINE) as ana,
            here.connect("cy") as cy,
            there.connect("bo") as bo,
        ):
            ana.send("before")
            for client in (bo, cy):
                client.expect_json(said("Anonymous", "before"))

            fault.begin(broker, link)
            ana.send("meanwhile")
            assert "meanwhile" in json.loads(ana.receive())["error"]
            wait_for_redis("away", here, there)
            ana.send("and again")
            told = json.loads(ana.receive())["error"]

            fault.end(broker, link)
            began = time.monotonic()
            wait_for_redis("up", here, there)
            ana.send("after")
            heard = [receive_until(client, "after") for client in (cy, bo)]
            back = time.monotonic() - began
            bo.send("I hear you")
            ana.expect_json(said("Anonymous", "I hear you"))

        # At once: nothing was tried.
        assert told == "Redis is away. Perhaps nobody has heard this: and again"
        assert back < BACK
        for server, texts in zip((here, there), heard, strict=True):
            # A Redis that was stopped may still do what it had been asked for.
            late = [said("Anonymous", "meanwhile")] if len(texts) > 1 else []
            assert texts == [*late, said("Anonymous", "after")]
            assert health(server)["lost"] == 2 - len(late)
            wait_for_log("Redis is away", server)
            wait_for_log("Redis is back", server)
    promise(f"ch05: Redis {fault.what}: heard again {back:.1f} s after it was back")


def receive_until(client: Client, last: str) -> list[dict[str, str]]:
    """What comes, up to this message."""
    heard: list[dict[str, str]] = []
    while not heard or heard[-1] != said("Anonymous", last):
        heard.append(json.loads(client.receive()))
    return heard


STOPPED_IN = [
    Fault("a publish", lambda _, k: k.pause(), lambda _, k: None, HURRIED),
    Fault("an outage", lambda _, k: k.kill(), lambda _, k: None),
    Fault("a subscribe", lambda _, k: (k.swallow(), k.cut()), lambda _, k: None),
]


@pytest.mark.parametrize("fault", STOPPED_IN, ids=[each.what for each in STOPPED_IN])
def test_it_stops_when_it_is_told_to(fault: Fault, start: Start, link: Link) -> None:
    server = start(link.url, answer=fault.answer)
    with server.connect("ana") as ana:
        fault.begin(link.broker, link)
        ana.send("meanwhile")
        if fault.what == "a publish":
            assert link.until(lambda redis: redis.commands("PUBLISH") != [], DEADLINE)
        else:
            wait_for_redis("away", server)
        server.process.interrupt()
        assert server.process.join(DEADLINE) is not None


def test_a_publisher_that_is_reset_ends_no_hearing(start: Start, link: Link) -> None:
    server = start(link.url)
    with server.connect("ana") as ana, server.connect("bo") as bo:
        for number in range(3):
            with link._news:
                publishers = [way for way in link._ways if not way.channels]
            link._do(link._abort, publishers, reset=True)
            ana.send(f"perhaps {number}")
            ana.send(f"surely {number}")
            receive_until(bo, f"surely {number}")

    assert len(link.commands("SUBSCRIBE")) == 1
    assert "Redis is away" not in server.log


# The channel by itself


def test_silence_raises_nothing(
    link: Link, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pongs: list[object] = []
    get_message = PubSub.get_message

    async def noted(pubsub: PubSub, **options: float | None) -> dict[str, str] | None:
        message = await get_message(pubsub, **options)
        pongs.extend([message] if message and message["type"] == "pong" else [])
        return message

    async def be_silent() -> None:
        channel, ears = Channel(link.url, "chat"), Ears()
        loop = asyncio.get_running_loop()
        # The loop's clock stands, and is put on when an answer has come: so none is
        # late. From one to the next as many seconds go by as between two questions.
        now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: now)
        async with channel.open(ears.hear):
            for silences in range(1, 5):
                for _ in range(20):  # turns: more than it takes to wait for the next
                    await asyncio.sleep(0)
                now += chapter.ANSWER
                come = partial(wait_until, lambda n=silences: len(pongs) == n, "a pong")
                await asyncio.to_thread(come)
            assert channel.up.is_set()
            await channel.publish("ana", "hello")
        assert ears.texts == ["hello"]
        monkeypatch.undo()

    monkeypatch.setattr(PubSub, "get_message", noted)
    run(be_silent())

    assert len(link.commands("SUBSCRIBE")) == 1
    assert caplog.records == []


@pytest.mark.usefixtures("patience")
def test_a_lost_reply_does_not_double_what_was_said(link: Link) -> None:
    async def lose_a_reply() -> None:
        channel, ears = Channel(link.url, "chat"), Ears()
        async with channel.open(ears.hear):
            link.lose_replies(1, to="PUBLISH")
            with suppress(NotPublished):  # it cannot know
                await channel.publish("ana", "once")
            await channel.publish("ana", "afterwards")
        assert ears.texts == ["once", "afterwards"]

    run(lose_a_reply())

    assert len(link.commands("PUBLISH")) == 2


@pytest.mark.usefixtures("patience")
def test_a_subscription_that_is_cut_is_not_mended_in_silence(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    async def cut_it() -> None:
        async with Channel(link.url, "chat").open(Ears().hear):
            assert await asyncio.to_thread(link.drop_subscribers) == 1
            await asyncio.to_thread(
                wait_until, lambda: "Redis is back." in caplog.messages, "it is told"
            )

    run(cut_it())

    assert len(link.commands("SUBSCRIBE")) == 2


@pytest.mark.usefixtures("patience")
def test_nobody_waits_for_ever_for_what_does_not_come_back(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear_slowly() -> None:
        go_on = asyncio.Event()

        async def hear(said: Said) -> None:
            await go_on.wait()

        channel = Channel(link.url, "chat")
        async with channel.open(hear):
            await channel.up.wait()
            await channel.publish("ana", "one")
            monkeypatch.setattr(chapter, "PATIENCE", 0.2)
            with pytest.raises(NotPublished, match="did not come back"):
                await channel.publish("bo", "two")
            go_on.set()

    run(hear_slowly())


@pytest.mark.usefixtures("patience")
def test_a_listener_that_breaks_is_heard_of_and_begins_again(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    async def break_it() -> None:
        channel, ears = Channel(link.url, "chat"), Ears()

        async def hear(said: Said) -> None:
            if said.text == "poison":
                raise ZeroDivisionError
            await ears.hear(said)

        async with channel.open(hear):
            await channel.publish("ana", "poison")
            while "cure" not in ears.texts:
                await channel.up.wait()
                with suppress(NotPublished):
                    await channel.publish("ana", "cure")

    run(break_it())

    [broken] = [record for record in caplog.records if record.exc_info]
    assert broken.levelno == logging.ERROR


async def cancel_after(seconds: float, work: Coroutine[None, None, None]) -> None:
    """Cancel it, wherever it is by then: it must end, as cancelled."""
    task = asyncio.create_task(work)
    await asyncio.sleep(seconds)
    asked = task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() == asked


@pytest.mark.usefixtures("patience")
def test_the_channel_can_be_closed_at_any_time(link: Link) -> None:
    async def listen(channel: Channel) -> None:
        async with channel.open(Ears().hear):
            await channel.publish("ana", "hello")
            await asyncio.Event().wait()

    async def close_at_any_time() -> None:
        seconds = 0.0
        while len(link.commands("PUBLISH")) < 50:  # they got as far as that
            await cancel_after(seconds, listen(Channel(link.url, "chat")))
            seconds += 0.0001 + seconds / 50  # also where all takes long

    run(close_at_any_time())

    assert link.until(lambda redis: redis.connections() == 0, DEADLINE)


@pytest.mark.usefixtures("patience")
def test_an_error_in_the_same_moment_hides_no_cancel(link: Link) -> None:
    async def close_while_it_breaks() -> None:
        hearing = asyncio.Event()

        async def hear(said: Said) -> None:
            hearing.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise ConnectionResetError

        channel = Channel(link.url, "chat")
        async with channel.open(hear):
            await channel.publish("ana", "hello")
            await hearing.wait()

    run(close_while_it_breaks())


@pytest.mark.usefixtures("patience")
def test_who_leaves_in_the_middle_of_a_publish_takes_nothing_along(link: Link) -> None:
    async def leave_at_any_time() -> None:
        channel, ears = Channel(link.url, "chat"), Ears()
        async with channel.open(ears.hear):
            for n in range(400):
                await cancel_after(n % 40 / 20_000, channel.publish("ana", str(n)))
            await channel.publish("ana", "400")
            await ears.wait_for("400")
        texts = [int(text) for text in ears.texts]
        assert texts == sorted(set(texts))

    run(leave_at_any_time())

    assert link.accepted == 2
    assert len(link.commands("SUBSCRIBE")) == 1


def test_between_two_tries_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapter, "AGAIN", (DEADLINE, DEADLINE))
    monkeypatch.setattr(chapter, "PATIENCE", 0.2)  # in which it tries hundreds of times
    tries: list[Channel] = []

    class Counted(Channel):
        def _connect(self) -> Redis:
            tries.append(self)
            return super()._connect()

    async def try_in_vain() -> None:
        channel = Counted("redis://127.0.0.1:1", "chat")
        async with channel.open(Ears().hear):
            assert not channel.up.is_set()

    run(try_in_vain())

    assert len(tries) == 1


@pytest.mark.usefixtures("patience")
def test_it_is_not_up_before_the_subscription_is_confirmed(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Channel(link.url, "chat")
    came: list[tuple[str, bool]] = []
    get_message = PubSub.get_message

    async def noted(pubsub: PubSub, **options: float | None) -> dict[str, str] | None:
        message = await get_message(pubsub, **options)
        came.append((message["type"] if message else "nothing", channel.up.is_set()))
        return message

    async def open_it() -> None:
        async with channel.open(Ears().hear):
            await channel.up.wait()

    monkeypatch.setattr(PubSub, "get_message", noted)
    run(open_it())

    assert came[0] == ("subscribe", False)
