"""It has Redis sleep.

limit: reply 3
got: ana's handler had raised ResponseError: forbidden here
look at: await redis.execute_command("DEBUG", "SLEEP", "1000")
"""

from fastapi import WebSocket
from shouting import redis, shout


async def stop(websocket: WebSocket) -> None:
    await redis.execute_command("DEBUG", "SLEEP", "1000")


app = shout(texted=stop)
