"""Twenty who all talk and listen: at a pace, or as fast as their sockets take it.

What each of them hears is counted, text by text. Who speaks does not hear itself.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.load import Connection, Dialect, Tally, connect, tally

CLIENTS = 20
FIRST = 10  # the number of the first client: all names are of one length
PACE = 50.0  # texts a second of each client, where they do not flood

PROBES = 10  # texts at most until all clients hear each other
HEARD = 0.3  # seconds that a probe may take
QUIET = 1.5  # seconds of silence, from which on what has not come is lost
PATIENCE = 60.0  # seconds, whatever comes


@dataclass(frozen=True)
class Talk:
    """What was said: how many texts of each, since when, and when which."""

    texts: int
    start: float
    said: Mapping[tuple[int, int], float]
    load: float  # of a core, for the clients


@dataclass(frozen=True)
class Heard:
    """What became of it. Times are in seconds; None if nothing came."""

    counted: Tally
    seconds: float  # from the first text to the last delivery
    p50: float | None  # from a text to its delivery
    p99: float | None


async def enter(ports: Sequence[int], dialect: Dialect) -> list[Connection]:
    """The clients, spread over these ports."""
    return [
        await connect(ports[number % len(ports)], FIRST + number, dialect)
        for number in range(CLIENTS)
    ]


async def probe(clients: Sequence[Connection]) -> float:
    """Have all clients heard by all, if it can be; the bytes of one delivery."""
    size = float("inf")
    for number in range(PROBES):
        for each in clients:
            each.forget()
        clients[0].say(number)
        clients[1].say(number)
        deadline = time.perf_counter() + HEARD
        while any(not each.size for each in clients):
            await asyncio.sleep(0.005)
            if time.perf_counter() > deadline:
                break
        else:
            await asyncio.sleep(HEARD)  # all but these two have got two by now
            size = clients[0].size
            break
    return size


async def converse(
    clients: Sequence[Connection], size: float, texts: int, flood: bool
) -> Talk:
    """Let all say what they have to, and wait for what comes of it.

    Args:
        clients: what they heard before is forgotten.
        size: bytes of one delivery.
        texts: how many each of them says.
        flood: whether they say all at once.
    """
    for each in clients:
        each.forget()
    said = dict[tuple[int, int], float]()
    own, start = time.process_time(), time.perf_counter()
    for due, number, client in schedule(clients, texts, flood):
        early = start + due - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        said[client.number, number] = time.perf_counter()
        client.say(number)
    await until_quiet(clients, size * texts * (len(clients) - 1))
    load = (time.process_time() - own) / (time.perf_counter() - start)
    return Talk(texts, start, said, load)


def schedule(
    clients: Sequence[Connection], texts: int, flood: bool
) -> Iterator[tuple[float, int, Connection]]:
    """When each text is due, in seconds, which of its sender's it is, and whose."""
    for number in range(texts):
        for at, client in enumerate(clients):
            yield (
                (0.0 if flood else (number + at / len(clients)) / PACE),
                number,
                client,
            )


async def until_quiet(clients: Sequence[Connection], enough: float) -> None:
    """Wait until all have got this many bytes each, or nothing comes any more."""
    before, since = -1, time.perf_counter()
    end = since + PATIENCE
    while min(each.size for each in clients) < enough:
        came, now = sum(each.size for each in clients), time.perf_counter()
        if came != before:
            before, since = came, now
        if now - since > QUIET or now > end:
            return
        await asyncio.sleep(0.005)


def heard(clients: Sequence[Connection], talk: Talk) -> Heard:
    """Count what came of a talk, and how late."""
    counted = tally(clients, {each.number: talk.texts for each in clients})
    came = [
        (moment, moment - talk.said[sender, number])
        for each in clients
        for moment, sender, number in each.heard()
    ]
    late = sorted(seconds for _, seconds in came)
    cuts = quantiles(late, n=100, method="inclusive") if len(late) > 1 else None
    last = max((moment for moment, _ in came), default=talk.start + QUIET)
    halves = (cuts[49], cuts[98]) if cuts else (None, None)
    return Heard(counted, last - talk.start, *halves)
