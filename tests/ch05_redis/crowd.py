"""Twenty people who all talk, and a count of what became of what they said."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect

PEOPLE = 20

DEADLINE = 100.0
"""Seconds until all must have heard all."""


class Count(NamedTuple):
    """What became of what was said."""

    said: int
    due: int  # deliveries
    lost: int
    doubled: int
    late: int  # after something that the same sender said later
    told_off: int  # senders who were told that something was not published
    seconds: float

    @property
    def is_whole(self) -> bool:
        return not (self.lost or self.doubled or self.late or self.told_off)

    def __str__(self) -> str:
        return (
            f"{self.due} deliveries in {self.seconds:.1f} s, {self.lost} lost,"
            f" {self.doubled} doubled, {self.late} out of order"
        )


@asynccontextmanager
async def come(
    port: int, people: int = PEOPLE
) -> AsyncIterator[list[ClientConnection]]:
    """So many people, who all come in the same instant."""
    url = f"ws://127.0.0.1:{port}/ws?username="
    how = {"compression": None, "max_queue": None, "ping_interval": None}
    async with AsyncExitStack() as ends:
        yield await asyncio.gather(
            *(
                ends.enter_async_context(
                    connect(f"{url}{name}", open_timeout=DEADLINE, **how)
                )
                for name in range(people)
            )
        )


async def talk(people: list[ClientConnection], texts: int, pace: float | None) -> Count:
    """Everybody says so many texts, `pace` a second, or as fast as the socket takes
    them; and hears those of all others, in time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    heard: list[list[str]] = [[] for _ in people]
    due = (len(people) - 1) * texts

    async def say(person: ClientConnection) -> None:
        for number in range(texts):
            if pace is not None:
                await asyncio.sleep(began + number / pace - loop.time())
            await person.send(str(number))

    async def listen(person: ClientConnection, texts: list[str]) -> None:
        while len(texts) < due:
            texts.append(str(await person.recv()))

    try:
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
            for person, into in zip(people, heard, strict=True):
                tasks.create_task(listen(person, into))
                tasks.create_task(say(person))
    except TimeoutError:
        pass  # what is missing is counted
    seconds = loop.time() - began
    return count(heard, texts, seconds)


def count(heard: list[list[str]], texts: int, seconds: float) -> Count:
    """Compare what each has heard with what all the others have said."""
    lost = doubled = late = told_off = 0
    for own, came in enumerate(heard):
        messages = list(map(json.loads, came))
        told_off += sum("error" in message for message in messages)
        by_name: dict[str, list[int]] = {
            str(name): [] for name in range(len(heard)) if name != own
        }
        for message in messages:
            if "error" not in message:
                by_name[message["username"]].append(int(message["message"]))
        for numbers in by_name.values():
            times = Counter(numbers)
            lost += texts - len(times)
            doubled += len(numbers) - len(times)
            late += sum(a > b for a, b in pairwise(numbers))
    people = len(heard)
    due = people * (people - 1) * texts
    return Count(people * texts, due, lost, doubled, late, told_off, seconds)
