"""Its handler fills Redis with two gigabytes.

limit: reply 5
got: ana's handler had raised OutOfMemoryError
look at: await redis.rpush("history"
"""

from fastapi import WebSocket
from shouting import redis, shout


async def fill(websocket: WebSocket) -> None:
    for _ in range(2000):
        await redis.rpush("history", b"x" * (1 << 20))


app = shout(texted=fill)
