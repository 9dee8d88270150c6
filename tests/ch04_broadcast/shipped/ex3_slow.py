"""Exercise 4.3: slow.

What one says goes to all others, at once and in order. At most INBOX texts wait for a
client. One more, even in a burst, and it is let go: out of the room at once, within 1 s
no handler and no task of it left, and no error. Who reads on before has lost nothing.

Try it:   python3 learn.py run 4.3
Check it: python3 learn.py check 4.3
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

INBOX = 100  # texts, which is rough: room.py counts bytes, and slows bursts down
app = FastAPI(title="Exercise 4.3: slow")
app.add_api_route("/", lambda: FileResponse("chapters/ch04_broadcast/page.html"))
inboxes: dict[WebSocket, asyncio.Queue[str]] = {}


async def deliver(websocket: WebSocket, inbox: asyncio.Queue[str]) -> None:
    while True:
        await websocket.send_text(await inbox.get())


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    inbox = inboxes[websocket] = asyncio.Queue()
    delivery = asyncio.create_task(deliver(websocket, inbox))
    async for text in websocket.iter_text():
        for other in inboxes.keys() - {websocket}:
            # TODO: for who does not read, more and more waits, and it stays for ever.
            inboxes[other].put_nowait(text)
    del inboxes[websocket]
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
