"""It answers right, and its handler goes on without a client.

limit: reply 3
got: s: it still ran
look at: await asyncio.sleep(1000)
hint: Who ends it?
"""

import asyncio

from fastapi import WebSocket
from shouting import shout


async def linger(websocket: WebSocket) -> None:
    await asyncio.sleep(1000)


app = shout(left=linger)
