"""Its handler calls itself without end.

got: the handler raised RecursionError
look at: await dive(websocket)
hint: calls itself without end
"""

from fastapi import WebSocket
from shouting import shout


async def dive(websocket: WebSocket) -> None:
    await dive(websocket)


app = shout(texted=dive)
