"""Its handler waits at Redis for what nobody pushes.

limit: reply 3
got: nothing for 3 s
"""

from fastapi import WebSocket
from shouting import redis, shout


async def wait(websocket: WebSocket) -> None:
    await redis.blpop("never")


app = shout(texted=wait)
