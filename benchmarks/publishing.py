"""What a PUBLISH costs Redis, by the number of those who listen."""

import asyncio
from typing import cast
from urllib.parse import urlsplit

import psutil

from benchmarks.load import run
from benchmarks.serving import cpu_time
from workbook.broker import HOST, Broker

WORK = 400_000  # in units of a quarter of a PUBLISH without a listener
BATCH = 20  # that are under way at once
LISTENERS = (0, 1, 2, 4, 8, 16, 32, 64)
PATIENCE = 60.0  # seconds that a batch may take


class Counter(asyncio.Protocol):
    """A connection to Redis that counts the bytes that come."""

    def __init__(self) -> None:
        self.size = 0
        self._enough = asyncio.Event()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if self.size >= self._wanted:
            self._enough.set()

    def ask(self, *words: str, times: int = 1) -> None:
        bulks = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        self.transport.write(f"*{len(words)}\r\n{bulks}".encode() * times)

    async def answered(self, size: int) -> None:
        self._wanted = size
        self._enough.clear()
        if self.size < size:
            async with asyncio.timeout(PATIENCE):
                await self._enough.wait()


async def publish(broker: Broker, listeners: int) -> float:
    """Seconds of Redis' CPU that one PUBLISH of 100 bytes takes."""
    loop, port = asyncio.get_running_loop(), urlsplit(broker.url).port or 6379
    opened = [
        (await loop.create_connection(Counter, HOST, port))[1]
        for _ in range(listeners + 1)
    ]
    publisher, *others = opened
    for each in others:
        each.ask("SUBSCRIBE", "chat")
        await each.answered(1)
    redis = psutil.Process(broker.pid)
    answer, cpu = len(f":{listeners}\r\n"), cpu_time(redis)
    batches = WORK // (listeners + 4) // BATCH
    for batch in range(batches):
        publisher.ask("PUBLISH", "chat", "x" * 100, times=BATCH)
        await publisher.answered((batch + 1) * BATCH * answer)
    cpu = cpu_time(redis) - cpu
    for each in opened:
        each.transport.abort()
    return cpu / (batches * BATCH)


def measure(broker: Broker) -> dict[int, float]:
    """Seconds of Redis' CPU a PUBLISH, by the number of listeners."""
    return {count: run(publish(broker, count)) for count in LISTENERS}
