"""What a delivery costs more where many are connected, and why.

One speaks to all, as in `growth`, while chapter 4 writes down how long its garbage
collector works; in turn with it the same, but with the collector held back. Then all
are in rooms of fifty, and the texts go to one room after the other: so each text is the
same work, however many others are connected.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import psutil

from benchmarks import broadcast, peers
from benchmarks.designs.many_rooms import PEOPLE
from benchmarks.load import PLAIN, connect, run, tally, until
from benchmarks.report import Data, Table, times
from benchmarks.serving import cpu_time, served

COLLECTING = "benchmarks.designs.collecting:app"
MANY_ROOMS = "benchmarks.designs.many_rooms:app"

LISTEN = (300, 1000, 5000)
CONNECTED = (PEOPLE, 500, 2000, 4000)
HELD_BACK = 100_000  # objects
SECONDS = 2.0
RATE = 400.0  # texts a second, in all rooms together
STRIDE = 7  # rooms from one text to the next
HEAR = PEOPLE - 1  # deliveries of a text


async def speak(port: int, server: psutil.Process, count: int, file: Path) -> Data:
    """One speaks to so many; what a delivery costs, and how much of it collecting."""
    window = broadcast.Window()
    speaker = await connect(port, 0)
    members = [await connect(port, n, PLAIN, window.came) for n in range(1, count + 1)]
    meters: list[Callable[[], float]] = [
        lambda: cpu_time(server),
        lambda: float(file.read_text()),
        time.process_time,
    ]
    came, spent = await broadcast.speak(window, speaker, members, SECONDS, *meters)
    found = tally(members, {0: window.said})
    for each in (speaker, *members):
        each.transport.abort()
    wrong = found.lost + found.doubled + found.disordered
    cpu, collecting, own = spent
    each_costs = {"cpu": cpu / came, "collecting": collecting / came}
    return {**each_costs, "load": own / SECONDS, "wrong": wrong}


def collector(count: int, own: set[int], *, held: bool) -> Data:
    """Chapter 4 as it is, or with the collector held back."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "collected")
        file.write_text("0")
        env = {"COLLECTED": str(file)} | ({"HELD_BACK": f"{HELD_BACK}"} if held else {})
        how = {"python": peers.python(), "env": env, "on": own}
        with served(COLLECTING, **how) as (port, server):
            found = run(speak(port, server, count, file))
    return {"listen": count, "held": held, **found}


async def talk(port: int, server: psutil.Process, people: int) -> Data:
    """Say something in one room after the other; what a text costs."""
    clients = [await connect(port, number) for number in range(people)]
    speakers = clients[::PEOPLE]
    for each in speakers:
        each.say(0)
    listeners = [each for each in clients if each not in speakers]
    hear = await until(lambda: all(m.size for m in listeners), broadcast.PATIENCE)
    assert hear, "not all hear"
    sizes = {each.number: each.size for each in listeners}  # of one delivery
    for each in clients:
        each.forget()
    cpu, own, start = cpu_time(server), time.process_time(), time.perf_counter()
    said, total = dict.fromkeys((each.number for each in speakers), 0), 0
    while (now := time.perf_counter() - start) < SECONDS:
        for number in range(total, int(now * RATE) + 1):
            speaker = speakers[number * STRIDE % len(speakers)]
            speaker.say(said[speaker.number])
            said[speaker.number] += 1
            total += 1
        await asyncio.sleep(max(0.0, start + total / RATE - time.perf_counter()))
    wanted = {n: size * said[n - n % PEOPLE] for n, size in sizes.items()}
    await until(
        lambda: all(each.size >= wanted[each.number] for each in listeners),
        broadcast.PATIENCE,
    )
    cpu, own = cpu_time(server) - cpu, time.process_time() - own
    found = [
        tally([each], {speaker: said[speaker]})
        for each in listeners
        for speaker in [each.number - each.number % PEOPLE]
    ]
    for each in clients:
        each.transport.abort()
    return {
        "people": people,
        "text": cpu / total,
        "cpu": cpu / total / HEAR,
        "load": own / (time.perf_counter() - start),
        "wrong": sum(each.lost + each.doubled + each.disordered for each in found),
    }


def rooms(people: int, own: set[int]) -> Data:
    with served(MANY_ROOMS, python=peers.python(), on=own) as (port, server):
        return run(talk(port, server, people))


def steps(
    most: int, own: set[int], *, ends: bool
) -> Iterator[tuple[str, str, Callable[[], Data]]]:
    """One round: the part it belongs to, what is done, and how to do it.

    Args:
        most: connections that there can be.
        own: cores of the server.
        ends: only the fewest and the most.
    """
    listen, connected = (
        [n for n in counts if n <= most] for counts in (LISTEN, CONNECTED)
    )
    if ends:
        listen, connected = (
            sorted({*counts[:1], *counts[-1:]}) for counts in (listen, connected)
        )
    for count in listen:
        for held in (False, True):
            title = f"{count} listen, collector {'held back' if held else 'as it is'}"
            yield "collector", title, lambda n=count, h=held: collector(n, own, held=h)
    for people in connected:
        yield "rooms", f"{people} in rooms", lambda n=people: rooms(n, own)


def tables(data: Data) -> list[Table]:
    """What was found, if that was measured."""
    found = list[Table]()
    if data.get("collector"):
        found.append(of_collector(data["collector"]))
    if data.get("rooms"):
        found.append(of_rooms(data["rooms"]))
    return found


def of_collector(rounds: Sequence[Data]) -> Table:
    rows = list[list[str]]()
    for count in sorted({each["listen"] for each in rounds}):
        plain, held = (
            [r for r in rounds if (r["listen"], r["held"]) == (count, h)]
            for h in (False, True)
        )
        pairs = zip(held, plain, strict=True)
        rows.append(
            [
                f"{count:,}",
                f"{median(r['cpu'] for r in plain) * 1e6:.2f}",
                f"{median(r['collecting'] for r in plain) * 1e6:.2f}",
                f"{median(r['cpu'] for r in held) * 1e6:.2f}",
                times(median(a["cpu"] / b["cpu"] for a, b in pairs)),
                f"{median(r['load'] for r in plain):.0%}",
            ]
        )
    head = ["listen", "µs CPU a delivery", "of it collecting garbage, µs"]
    head += [f"µs, collector held back to {HELD_BACK:,}", "× as it is"]
    title = "Chapter 4 and Python's garbage collector"
    return Table(title, [*head, "clients' core"], rows)


def held_back(data: Data) -> dict[int, float]:
    """Seconds of CPU a delivery with the collector held back, by how many listen."""
    rounds = [each for each in data.get("collector", []) if each["held"]]
    return {
        count: median(r["cpu"] for r in rounds if r["listen"] == count)
        for count in sorted({each["listen"] for each in rounds})
    }


def of_rooms(rounds: Sequence[Data]) -> Table:
    rows, first = list[list[str]](), by_people(rounds)[PEOPLE]
    for people, text in by_people(rounds).items():
        same = [r for r in rounds if r["people"] == people]
        rows.append(
            [
                f"{people:,}",
                f"{text * 1e6:.1f}",
                f"{median(r['cpu'] for r in same) * 1e6:.2f}",
                times(text / first),
                f"{median(r['load'] for r in same):.0%}",
            ]
        )
    head = ["connected", "µs CPU a text", "µs CPU a delivery", f"× {PEOPLE}"]
    title = f"Rooms of {PEOPLE}, one text after the other to one of them"
    return Table(title, [*head, "clients' core"], rows)


def by_people(rounds: Sequence[Data]) -> dict[int, float]:
    """Seconds of CPU a text, by how many are connected."""
    return {
        people: median(r["text"] for r in rounds if r["people"] == people)
        for people in sorted({r["people"] for r in rounds})
    }


def dearer(data: Data) -> float:
    """Seconds of CPU that a delivery costs more where most are connected."""
    texts = by_people(data.get("rooms") or [])
    return (texts[max(texts)] - texts[PEOPLE]) / HEAR if texts else 0.0
