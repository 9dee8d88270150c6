"""The room by itself: what waits for whom, how long, and who is let go."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import SimpleNamespace

import pytest

from chapters.ch04_broadcast import room as chapter
from chapters.ch04_broadcast.room import (
    BACKLOG,
    BEHIND,
    SLOWEST,
    TURN,
    Member,
    Room,
    TooSlow,
)

KIB = "x" * 1024
FOREVER = 3600.0
"""Seconds that no test lasts: who waits for this is held until something happens."""


@asynccontextmanager
async def delivered(
    member: Member, send: Callable[[str], Awaitable[None]]
) -> AsyncIterator[asyncio.Task[None]]:
    """A task that delivers to this member."""
    task = asyncio.create_task(member.deliver(send))
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def turns(count: int = 20) -> None:
    """Let every task go on as far as it can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def fill(room: Room, size: int) -> None:
    """Say KiB by KiB so many bytes, by somebody who is not in the room."""
    for _ in range(size // 1024):
        room.broadcast(KIB, sender="nobody")


def test_all_but_the_sender_hear_it_in_order() -> None:
    async def conversation() -> dict[str, list[str]]:
        heard: dict[str, list[str]] = {"ana": [], "bo": []}
        room = Room()
        async with AsyncExitStack() as stack:
            members: dict[str, Member] = {}
            for name, inbox in heard.items():

                async def send(text: str, inbox: list[str] = inbox) -> None:
                    inbox.append(text)

                members[name] = await stack.enter_async_context(room.join())
                await stack.enter_async_context(delivered(members[name], send))
            for text in ("one", "two"):
                room.broadcast(text, sender=members["ana"].id)
            room.broadcast("three", sender=members["bo"].id)
            await turns()
        return heard

    assert asyncio.run(conversation()) == {"ana": ["three"], "bo": ["one", "two"]}


def test_who_has_left_is_forgotten() -> None:
    async def visits() -> list[int]:
        room = Room()
        with suppress(ZeroDivisionError):
            async with room.join():
                counted = [len(room)]
                async with room.join():
                    counted.append(len(room))
                counted.append(len(room))
                raise ZeroDivisionError
        return [*counted, len(room)]

    assert asyncio.run(visits()) == [1, 2, 1, 0]


def test_everyone_has_an_id_that_goes_into_json() -> None:
    async def ids() -> set[str]:
        room = Room()
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            return {json.dumps((await enter(room.join())).id) for _ in range(100)}

    assert len(asyncio.run(ids())) == 100


@pytest.mark.parametrize("text", [KIB, "é" * 512], ids=["ASCII", "not ASCII"])
def test_who_takes_nothing_is_let_go_with_a_mebibyte_of_bytes(text: str) -> None:
    async def count() -> int:
        room = Room()
        said = 0
        with suppress(TooSlow):
            async with room.join():
                while said < 5000:
                    room.broadcast(text, sender="nobody")
                    said += 1
                    await asyncio.sleep(0)
        return said

    assert asyncio.run(count()) == BACKLOG // 1024 + 2  # one too many, and who says so


def test_a_send_that_never_ends_is_ended_when_its_member_is_let_go() -> None:
    async def stall() -> bool:
        room = Room()
        try:
            async with room.join() as member, asyncio.TaskGroup() as tasks:
                tasks.create_task(member.deliver(lambda text: asyncio.Event().wait()))
                await fill(room, 2 * BACKLOG)
                await asyncio.sleep(FOREVER)
        except TooSlow:
            return len(room) == 0
        return False

    assert asyncio.run(stall())


def test_one_text_may_be_bigger_than_the_backlog() -> None:
    async def conversation() -> list[int]:
        heard: list[int] = []

        async def send(text: str) -> None:
            heard.append(len(text))

        room = Room()
        async with room.join() as member, delivered(member, send):
            for _ in range(3):
                room.broadcast("x" * 4 * BACKLOG, sender="nobody")
                await turns()
        return heard

    assert asyncio.run(conversation()) == [4 * BACKLOG] * 3


def test_for_who_cannot_be_sent_to_nothing_is_kept_and_nobody_waits() -> None:
    async def send(text: str) -> None:
        raise ConnectionError

    async def conversation() -> bool:
        room = Room()
        async with room.join() as member:
            await fill(room, BACKLOG)
            with suppress(ConnectionError):
                await member.deliver(send)
            await fill(room, 10 * BACKLOG)  # it is not let go: it may have left to say
            await turns()
            return member.keeps_up.is_set()

    assert asyncio.run(conversation())


def test_after_so_many_bytes_those_who_deliver_have_a_turn() -> None:
    async def conversation(size: int) -> list[int]:
        heard: list[str] = []

        async def send(text: str) -> None:
            heard.append(text)

        room = Room()
        async with room.join() as member, delivered(member, send):
            await turns()
            counts = []
            for _ in range(5):
                await room.settle()
                counts.append(len(heard))
                room.broadcast("x" * size, sender="nobody")
        return counts

    assert asyncio.run(conversation(TURN + 1)) == [0, 1, 2, 3, 4]
    assert asyncio.run(conversation(TURN // 2)) == [0, 0, 0, 3, 3]


def test_nobody_is_held_back_while_all_keep_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapter, "SLOWEST", 1024 / FOREVER)

    async def conversation() -> bool:
        room = Room()
        async with room.join():
            await fill(room, BEHIND)
            waiting = asyncio.create_task(room.settle())
            await turns()
            return waiting.done()

    assert asyncio.run(conversation())


def test_a_text_waits_for_those_behind_until_they_have_caught_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chapter, "SLOWEST", 1024 / FOREVER)

    async def conversation() -> list[bool]:
        taken = asyncio.Semaphore(0)

        async def send(text: str) -> None:
            await taken.acquire()

        room = Room()
        async with room.join() as slow, delivered(slow, send):
            await fill(room, BEHIND + 2048)
            waiting = [asyncio.create_task(room.settle()) for _ in range(3)]
            seen = []
            for _ in range(3):
                await turns()
                seen.append(all(each.done() for each in waiting))
                taken.release()
        await asyncio.gather(*waiting)
        return seen

    assert asyncio.run(conversation()) == [False, False, True]


def test_for_who_takes_nothing_texts_are_held_back_by_their_size() -> None:
    async def conversation() -> float:
        room, loop = Room(), asyncio.get_running_loop()
        async with room.join():
            await fill(room, BEHIND + 1024)
            began = loop.time()
            await asyncio.gather(*(room.settle() for _ in range(20)))
            return loop.time() - began

    # Less what a timer may round off.
    assert asyncio.run(conversation()) > 20 * 1024 / SLOWEST * 0.98


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock by which the room measures silence: it stands, and is set by hand.

    PATIENCE is a second of it. Who is held back is so for longer than a test lasts.
    """
    clock = SimpleNamespace(now=1000.0)
    fake = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(chapter, "time", fake, raising=False)
    monkeypatch.setattr(chapter, "PATIENCE", 1.0, raising=False)
    monkeypatch.setattr(chapter, "SLOWEST", 1024 / FOREVER)
    return clock


async def say(room: Room) -> None:
    """Say a KiB, as an app does."""
    await room.settle()
    room.broadcast(KIB, sender="nobody")


async def is_held_back(room: Room) -> bool:
    """Whether a text that comes now has to wait."""
    waiting = asyncio.create_task(room.settle())
    await turns()
    held_back = not waiting.done()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    return held_back


def test_who_takes_nothing_while_nobody_speaks_is_not_waited_for(
    clock: SimpleNamespace,
) -> None:
    async def conversation(*silences: float) -> bool:
        room = Room()
        async with room.join():
            await room.settle()  # of the silence before this, nothing counts
            room.broadcast(
                "x" * (BEHIND + 1024 - 1024 * len(silences)), sender="nobody"
            )
            for silence in silences:
                clock.now += silence
                await say(room)
            clock.now += FOREVER  # counts when the next has been said
            return await is_held_back(room)

    assert asyncio.run(conversation(0.5, 0.25))
    assert not asyncio.run(conversation(0.5, 0.5))
    assert not asyncio.run(conversation(1.0, 0.0))


def test_whoever_takes_something_is_waited_for_again(clock: SimpleNamespace) -> None:
    async def conversation(*silences: float) -> list[bool]:
        taken = asyncio.Semaphore(0)

        async def send(text: str) -> None:
            await taken.acquire()

        room = Room()
        async with room.join() as slow, delivered(slow, send):
            await fill(room, BEHIND)
            seen: list[bool] = []
            for silence in silences:
                await room.settle()
                clock.now += silence
                await say(room)
                seen.append(await is_held_back(room))
                taken.release()
                await turns()
            return seen

    seen = asyncio.run(conversation(1.0, 0.75, 1.0, 0.0))
    assert seen == [False, True, False, True]


def test_a_turn_for_those_who_deliver_is_no_silence(clock: SimpleNamespace) -> None:
    async def conversation() -> bool:
        room = Room()
        async with room.join():
            await room.settle()
            room.broadcast("x" * BEHIND, sender="nobody")
            saying = asyncio.create_task(say(room))
            await asyncio.sleep(0)
            assert not saying.done()
            clock.now += 1.0
            await saying
            return await is_held_back(room)

    assert asyncio.run(conversation())


def test_to_stand_in_line_is_no_silence(clock: SimpleNamespace) -> None:
    async def conversation(silence: float) -> bool:
        taken = asyncio.Semaphore(0)

        async def send(text: str) -> None:
            await taken.acquire()

        room = Room()
        async with room.join() as slow, delivered(slow, send), room.join() as sleeper:
            await room.settle()
            room.broadcast(KIB, sender=sleeper.id)
            room.broadcast("x" * BEHIND, sender=sleeper.id)
            room.broadcast("x" * (BEHIND - 2048), sender=slow.id)
            line = [asyncio.create_task(say(room)) for _ in range(2)]
            await turns()
            assert not any(each.done() for each in line)
            clock.now += FOREVER
            for _ in line:
                taken.release()
                await turns()
            assert all(each.done() for each in line)
            clock.now += silence  # while the sleeper is not behind yet
            await say(room)
            return await is_held_back(room)

    assert asyncio.run(conversation(0.75))
    assert not asyncio.run(conversation(1.0))


def test_one_huge_text_is_not_waited_for_longer_than_for_the_backlog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chapter, "SLOWEST", BACKLOG)

    async def conversation() -> int:
        room = Room()
        async with room.join():
            room.broadcast("x" * 16 * BACKLOG, sender="nobody")
            async with asyncio.timeout(12):  # it would take 16 by its size
                await room.settle()
            return len(room)

    assert asyncio.run(conversation()) == 1
