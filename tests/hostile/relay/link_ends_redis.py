"""It tells Redis to end.

limit: reply 1
got: nothing for 1 s
"""

from fastapi import WebSocket
from shouting import redis, shout


async def end(websocket: WebSocket) -> None:
    await redis.shutdown()


app = shout(texted=end)
