"""Its handler talks to Redis what no Redis would understand.

limit: reply 3
got: ana's handler had raised IncompleteReadError
look at: await reader.readexactly(1)
"""

import asyncio
import os
from urllib.parse import urlsplit

from fastapi import WebSocket
from shouting import shout

there = urlsplit(os.environ["REDIS_URL"])


async def talk(websocket: WebSocket) -> None:
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    writer.write(b"*999999999\r\n$-7\r\n")
    await reader.readexactly(1)


app = shout(texted=talk)
