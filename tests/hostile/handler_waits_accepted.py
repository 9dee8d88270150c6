"""Its handler waits, and does not answer.

limit: reply 3
got: nothing for 3 s
look at: await asyncio.Event().wait()
hint: waits at this line
"""

import asyncio

from fastapi import WebSocket
from shouting import shout


async def wait(websocket: WebSocket) -> None:
    await asyncio.Event().wait()


app = shout(texted=wait)
