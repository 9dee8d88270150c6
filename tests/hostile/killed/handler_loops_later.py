"""It answers once; at the second text it loops, and hears no signal."""

import signal
from itertools import count

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    await websocket.accept()
    for text in count():
        await websocket.send_text((await websocket.receive_text()).upper())
        while text:
            pass
