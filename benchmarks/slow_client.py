"""What one client that never reads costs the others, in chapter 4.

`python -m benchmarks.slow_client` takes about a minute. One of 20 clients speaks, 200
times a second, 8 KiB each, for 8 seconds. Runs in which another of them reads nothing
take turns with runs without it. Of each run it prints how many texts the others have
lost; the longest time from one text to the next that any of them saw; how late a text
came at worst, since it was said; by how much the server's memory grew; and when the one
was let go.
"""

import asyncio
import itertools
import socket
import time
from dataclasses import dataclass
from statistics import median

import httpx
import psutil
from fastapi import FastAPI

from benchmarks.load import Connection, connect, run, tally
from benchmarks.serving import cores, pin, served
from chapters.ch04_broadcast import app as chapter
from chapters.ch04_broadcast import room

OTHERS = 18  # who listen and read
RATE = 200  # texts a second
SIZE = 8 * 1024  # bytes
SECONDS = 8.0
PAIRS = 3  # of runs, with and without
REST = 1.0  # seconds before and after each


def make_app() -> FastAPI:
    """The chapter's app, which also tells when it has let somebody go."""
    moments: list[float] = []

    class Noted(room.Member):
        def let_go(self) -> None:
            moments.append(time.monotonic())
            super().let_go()

    room.Member = Noted
    chapter.app.add_api_route("/let-go", lambda: moments)
    return chapter.app


@dataclass(frozen=True)
class Run:
    lost: int
    gap: float  # milliseconds
    late: float  # milliseconds
    grown: float  # MiB
    gone: float | None  # seconds after the first text


async def talk(port: int, server: psutil.Process, *, beside_one: bool) -> Run:
    speaker = await connect(port, 0)
    others = [await connect(port, number) for number in range(1, 1 + OTHERS)]
    if beside_one:
        sleeper = await sleep_through(port)
    await asyncio.sleep(REST)
    before = most = server.memory_info().rss
    start, said = time.monotonic(), list[float]()
    for number in range(round(RATE * SECONDS)):
        await asyncio.sleep(start + number / RATE - time.monotonic())
        said.append(time.perf_counter())
        speaker.say(number, size=SIZE)
        if number % 20 == 0:
            most = max(most, server.memory_info().rss)
    await asyncio.sleep(REST)
    if beside_one:
        sleeper.close()
    for each in (speaker, *others):
        each.transport.abort()
    lost = tally(others, {0: len(said)}).lost
    heard = [[(moment, number) for moment, _, number in o.heard()] for o in others]
    gaps = [b - a for one in heard for (a, _), (b, _) in itertools.pairwise(one)]
    late = max(moment - said[number] for one in heard for moment, number in one)
    async with httpx.AsyncClient() as client:
        found = (await client.get(f"http://127.0.0.1:{port}/let-go")).json()
    gone = found[-1] - start if beside_one and found else None
    return Run(lost, max(gaps) * 1000, late * 1000, (most - before) / 2**20, gone)


async def sleep_through(port: int) -> socket.socket:
    """A client that has been let in, and reads nothing more."""
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.connect(("127.0.0.1", port))
    sleeper.sendall(Connection(99).request)
    await asyncio.to_thread(sleeper.recv, 1024)
    return sleeper


def main() -> None:
    own, rest = cores()
    pin(0, rest)
    print(
        f"{OTHERS} listen, {RATE} texts of {SIZE // 1024} KiB a second, {SECONDS:g} s"
    )
    print(f"{'':26}{'lost':>6}{'gap':>11}{'late':>11}{'memory':>13}{'let go':>9}")
    runs: dict[bool, list[Run]] = {False: [], True: []}
    app = ("benchmarks.slow_client:make_app", "--factory")
    for beside_one in [False, True] * PAIRS:
        with served(*app, on=own) as (port, server):
            found = run(talk(port, server, beside_one=beside_one))
        runs[beside_one].append(found)
        name = "beside one who never reads" if beside_one else "all read"
        gone = f"{found.gone:7.1f} s" if found.gone is not None else ""
        print(
            f"{name:26}{found.lost:6}{found.gap:8.1f} ms{found.late:8.1f} ms"
            f"{found.grown:+9.2f} MiB{gone}"
        )
    gap, late, grown = (
        median(getattr(each, what) for each in runs[True])
        - median(getattr(each, what) for each in runs[False])
        for what in ("gap", "late", "grown")
    )
    print(f"{'it costs, as medians':32}{gap:+8.1f} ms{late:+8.1f} ms{grown:+9.2f} MiB")


if __name__ == "__main__":
    main()
