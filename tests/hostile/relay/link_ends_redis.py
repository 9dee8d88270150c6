"""It tells Redis to end.

limit: reply 3
got: ana's handler had raised
look at: await redis.shutdown()
"""

from fastapi import WebSocket
from shouting import redis, shout


async def end(websocket: WebSocket) -> None:
    await redis.shutdown()


app = shout(texted=end)
