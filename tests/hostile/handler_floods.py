"""Its handler never stops to send.

got: text "xxxx
look at: await websocket.send_text("x" * 1_000_000)
"""

from fastapi import WebSocket
from shouting import shout


async def flood(websocket: WebSocket) -> None:
    await websocket.send_text((await websocket.receive_text()).upper())
    while True:
        await websocket.send_text("x" * 1_000_000)


app = shout(accepted=flood)
