"""Its handler closes every file descriptor.

needs: posix
got: your program ended by itself
look at: os.closerange(0, 256)
hint: ends the whole program
"""

import os

from fastapi import WebSocket
from shouting import shout


async def close(websocket: WebSocket) -> None:
    os.closerange(0, 256)


app = shout(texted=close)
