"""Its handler fills Redis with two gigabytes.

limit: reply 5
got: nothing for 5 s
"""

from fastapi import WebSocket
from shouting import redis, shout


async def fill(websocket: WebSocket) -> None:
    for _ in range(2000):
        await redis.rpush("history", b"x" * (1 << 20))


app = shout(texted=fill)
