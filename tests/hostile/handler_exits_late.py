"""It answers right, and exits when the client has left.

got: your program ended by itself (exit status 0)
look at: os._exit(0)
hint: ends the whole program
"""

import os

from fastapi import WebSocket
from shouting import shout


async def leave(websocket: WebSocket) -> None:
    os._exit(0)


app = shout(left=leave)
