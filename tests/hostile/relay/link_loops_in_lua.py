"""It gives Redis a script that never ends.

limit: reply 3
got: nothing for 3 s
"""

from fastapi import WebSocket
from shouting import redis, shout


async def loop(websocket: WebSocket) -> None:
    await redis.eval("while true do end", 0)


app = shout(texted=loop)
