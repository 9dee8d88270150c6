"""It empties a Redis that may be others'.

limit: reply 3
got: ana's handler had raised ResponseError: forbidden here
look at: await redis.flushall()
"""

from fastapi import WebSocket
from shouting import redis, shout


async def empty(websocket: WebSocket) -> None:
    await redis.flushall()


app = shout(texted=empty)
