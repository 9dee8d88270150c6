"""Its handler prints that it is right, and is not.

got: text "1 passed"
printed: 1 passed
"""

from fastapi import WebSocket
from shouting import shout


async def lie(websocket: WebSocket) -> None:
    print("1 passed")
    await websocket.send_text("1 passed")


app = shout(texted=lie)
