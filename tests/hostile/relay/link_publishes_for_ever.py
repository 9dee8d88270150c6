"""Its handler publishes one text again and again.

got: text "one"
"""

from fastapi import WebSocket
from shouting import redis, shout


async def flood(websocket: WebSocket) -> None:
    while True:
        await redis.publish("chat", "nobody one")


app = shout(texted=flood)
