"""It connects ten thousand times.

limit: start 5
got: nothing for 5 s: the app was still starting up
hint: until the start-up is done
"""

import asyncio
import os
from urllib.parse import urlsplit

from shouting import shout

there = urlsplit(os.environ["REDIS_URL"])
kept: list[asyncio.StreamWriter] = []


async def connect() -> None:
    _, writer = await asyncio.open_connection(there.hostname, there.port)
    kept.append(writer)


async def crowd() -> None:
    for _ in range(100):
        await asyncio.gather(*(connect() for _ in range(100)))


app = shout(started=crowd)
