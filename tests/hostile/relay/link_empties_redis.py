"""It empties a Redis that may be others'.

limit: reply 1
got: nothing for 1 s
"""

from fastapi import WebSocket
from shouting import redis, shout


async def empty(websocket: WebSocket) -> None:
    await redis.flushall()


app = shout(texted=empty)
