"""Its handler raises what Ctrl-C raises.

got: the handler raised KeyboardInterrupt
look at: raise KeyboardInterrupt
hint: no way out of a handler
"""

from fastapi import WebSocket
from shouting import shout


async def interrupt(websocket: WebSocket) -> None:
    raise KeyboardInterrupt


app = shout(texted=interrupt)
