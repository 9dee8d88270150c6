"""Its handler sleeps, and the server with it.

limit: reply 3
got: nothing for 3 s: the server stood still
look at: time.sleep(1000)
hint: for every client
"""

import time

from fastapi import WebSocket
from shouting import shout


async def sleep(websocket: WebSocket) -> None:
    time.sleep(1000)  # noqa: ASYNC251


app = shout(texted=sleep)
