"""It answers right, and has a daemon and a child in a session of its own."""

import os
import subprocess
import time

from fastapi import FastAPI, WebSocket

app = FastAPI()

subprocess.Popen(["sleep", os.environ["HOSTILE"]], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.closerange(0, 256)
    time.sleep(1000)


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())
