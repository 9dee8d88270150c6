"""Its handler takes two gigabytes at once.

got: more than 600 MiB
look at: held.append(b"x" * (2 << 30))
hint: too big, or grows without end
"""

from fastapi import WebSocket
from shouting import shout

held: list[bytes] = []


async def gulp(websocket: WebSocket) -> None:
    held.append(b"x" * (2 << 30))


app = shout(texted=gulp)
