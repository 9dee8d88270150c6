"""Its handler never awaits anything, and hears no signal.

needs: posix
limit: reply 2
got: nothing for 2 s: the server stood still
look at: while True:
hint: for every client
"""

import signal

from fastapi import WebSocket
from shouting import shout


async def loop(websocket: WebSocket) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pass


app = shout(texted=loop)
