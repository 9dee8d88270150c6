"""How the cost of telling everyone grows: with subscribers, with load, with processes.

`python3 learn.py bench growth`. One speaks. First as much as can be, to rooms of 10 to
5,000, in chapter 4; then at a growing share of that to 200; then through Redis, in
chapter 5, to 200 who are spread over 1, 2, 4... processes, up to the cores there are.
`crowds` looks for why it grows.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import quantiles

import psutil

from benchmarks import broadcast, crowds, peers, report
from benchmarks.load import PLAIN, Connection, connect, run, tally, text, until
from benchmarks.report import Data, Length
from benchmarks.serving import allow_files, cores, cpu_time, pin, served
from workbook.broker import Broker

CHAPTER_4 = "chapters.ch04_broadcast.app:app"
CHAPTER_5 = "chapters.ch05_redis.app:app"

SUBSCRIBERS = (10, 30, 100, 300, 1000, 3000, 5000)
LISTENERS = 200  # of what follows
SHARES = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1)  # of the most there can be
ROUNDS = {Length.SHORT: 1, Length.USUAL: 2, Length.LONG: 2}
CROWDS = {Length.SHORT: 1, Length.USUAL: 1, Length.LONG: 2}  # rounds of these
SECONDS = 1.0  # of one load
MOST_WORKERS = 16
SPARE = 100  # files that are open besides


async def offer(port: int, server: psutil.Process, rate: float) -> Data:
    """Say so many texts a second to LISTENERS; cost and lateness of a delivery."""
    speaker = await connect(port, 0)
    members = [await connect(port, number) for number in range(1, LISTENERS + 1)]
    await asyncio.sleep(broadcast.WARM_UP)
    cpu, start, said = cpu_time(server), time.perf_counter(), list[float]()
    own = time.process_time()
    while (now := time.perf_counter() - start) < SECONDS:
        due = int(now * rate) + 1
        for number in range(len(said), due):
            said.append(time.perf_counter())
            speaker.say(number)
        await asyncio.sleep(max(0.0, start + due / rate - time.perf_counter()))
    last = text(0, len(said) - 1, size=0).encode()

    def heard_it(member: Connection) -> bool:
        return last in b"".join(chunk for _, chunk in member.chunks[-2:])

    await until(lambda: all(map(heard_it, members)), broadcast.PATIENCE)
    cpu, own = cpu_time(server) - cpu, time.process_time() - own
    late = [moment - said[n] for each in members for moment, _, n in each.heard()]
    moments = [each.chunks[-1][0] for each in members if each.chunks]
    found = tally(members, {0: len(said)})
    for each in (speaker, *members):
        each.transport.abort()
    cuts = quantiles(late, n=100, method="inclusive")
    seconds = max(moments) - start
    return {
        "offered": rate * LISTENERS,
        "delivered": len(late) / seconds,
        "cpu": cpu / len(late),
        "p50": cuts[49],
        "p99": cuts[98],
        "load": own / seconds,
        "wrong": found.lost + found.doubled + found.disordered,
    }


async def spread(
    ports: Sequence[int], servers: Sequence[psutil.Process], redis: psutil.Process
) -> Data:
    """One speaks through Redis, LISTENERS hear it in as many processes."""
    window = broadcast.Window()
    speaker = await connect(ports[0], 0)
    members = [
        await connect(ports[n % len(ports)], n, PLAIN, window.came)
        for n in range(1, LISTENERS + 1)
    ]
    meters = time.perf_counter, lambda: cpu_time(*servers), lambda: cpu_time(redis)
    count, spent = await broadcast.speak(
        window, speaker, members, SECONDS, *meters, time.process_time
    )
    wall, cpu, of_redis, own = spent
    found = tally(members, {0: window.said})
    for each in (speaker, *members):
        each.transport.abort()
    return {
        "workers": len(ports),
        "rate": count / wall,
        "cpu": cpu / count,
        "redis": of_redis / count,
        "load": own / wall,
        "wrong": found.lost + found.doubled + found.disordered,
    }


def with_subscribers(port: int, server: psutil.Process, counts: Sequence[int]) -> Data:
    """One round, rooms of all sizes: deliveries per second, and per CPU second."""
    found = Data()
    for count in counts:
        one = run(broadcast.measure(port, server, PLAIN, count))
        wrong = one.lost + one.doubled + one.disordered
        costs = {"wall": one.wall, "cpu": 1 / one.cpu, "load": one.load}
        found[str(count)] = {**costs, "wrong": wrong}
    return found


def with_workers(workers: int) -> Data:
    """Through Redis. Nothing is kept on a core: there is one too few for that."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(private=True))
        how = {"python": peers.python(), "env": {"REDIS_URL": broker.url}}
        pairs = [stack.enter_context(served(CHAPTER_5, **how)) for _ in range(workers)]
        ports, servers = zip(*pairs, strict=True)
        return run(spread(ports, servers, psutil.Process(broker.pid)))


def measure(length: Length = Length.USUAL) -> Data:
    own, others = cores()
    most = allow_files(SUBSCRIBERS[-1] + SPARE) - SPARE
    most = min(most, 1000) if length is Length.SHORT else most
    counts = [n for n in SUBSCRIBERS if n <= most]
    processes = psutil.cpu_count() or 1
    workers = [n for n in (1, 2, 4, 8, 16) if n <= min(processes, MOST_WORKERS)]
    ends = length is not Length.LONG
    why = list(crowds.steps(most, own, ends=ends)) * CROWDS[length]
    found: dict[str, list[Data]] = {"subscribers": [], "load": [], "workers": []}
    found |= {part: [] for part, _, _ in why}
    total = ROUNDS[length] * (1 + len(SHARES) + len(workers)) + len(why)
    with report.progress(total) as tell:
        for _ in range(ROUNDS[length]):
            pin(0, others)
            with served(CHAPTER_4, python=peers.python(), on=own) as (port, server):
                tell(f"growth: {counts[0]} to {counts[-1]} subscribers")
                found["subscribers"].append(with_subscribers(port, server, counts))
                full = run(broadcast.measure(port, server, PLAIN, LISTENERS)).wall
                for share in SHARES:
                    tell(f"growth: {share:.0%} of the most there can be")
                    work = offer(port, server, share * full / LISTENERS)
                    found["load"].append({"share": share, **run(work)})
            pin(0, own | others)
            for count in workers:
                tell(f"growth: {count} processes")
                found["workers"].append(with_workers(count))
        pin(0, others)
        for part, title, work_on in why:
            tell(f"growth: {title}")
            found[part].append(work_on())
    return {**report.machine(), **found}
