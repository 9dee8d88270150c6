"""Its handler sends a message of 70 megabytes.

got: a frame that this client refused: close 1009 message too big
"""

from fastapi import WebSocket
from shouting import shout


async def exaggerate(websocket: WebSocket) -> None:
    await websocket.send_text("x" * 70_000_000)


app = shout(texted=exaggerate)
