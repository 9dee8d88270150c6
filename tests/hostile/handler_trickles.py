"""Each of its answers is late, and none is too late.

limit: total 3
got: your program was ended, all checks together took more than 3 s
hint: Each answer came in time
"""

import asyncio

from fastapi import WebSocket
from shouting import shout


async def dawdle(websocket: WebSocket) -> None:
    await asyncio.sleep(0.6)


app = shout(called=dawdle, texted=dawdle)
