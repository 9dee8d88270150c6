"""Its handler takes more and more memory, and awaits in between.

got: more than 600 MiB
hint: too big, or grows without end
"""

import asyncio

from fastapi import WebSocket
from shouting import shout

held: list[bytes] = []


async def eat(websocket: WebSocket) -> None:
    while True:
        held.append(b"x" * (32 << 20))
        await asyncio.sleep(0.005)


app = shout(texted=eat)
