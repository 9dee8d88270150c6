"""Its handler answers right, and then listens to nobody.

needs: posix
got: does not listen to SIGTERM
hint: Leave it to uvicorn
"""

import signal

from fastapi import WebSocket
from shouting import shout


async def deafen(websocket: WebSocket) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


app = shout(accepted=deafen)
