"""Its handler loops, and lets others have their turn.

limit: reply 2
got: nothing for 2 s
look at: handler_spins.py
hint: goes no further
"""

import asyncio

from fastapi import WebSocket
from shouting import shout


async def spin(websocket: WebSocket) -> None:
    number = 0
    while True:
        number += 1
        if number % 10_000 == 0:
            await asyncio.sleep(0)


app = shout(texted=spin)
