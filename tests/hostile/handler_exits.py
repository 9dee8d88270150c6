"""Its handler exits.

got: the handler raised SystemExit
look at: sys.exit()
hint: no way out of a handler
"""

import sys

from fastapi import WebSocket
from shouting import shout


async def leave(websocket: WebSocket) -> None:
    sys.exit()


app = shout(texted=leave)
