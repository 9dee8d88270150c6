"""Exercise 4.1: announce.

Who comes is announced to all others: `ana joined`; and who leaves: `ana left`, with a
goodbye or without. Each once, whoever may come, leave or die meanwhile, and if two have
one name, too. Who has been accepted hears of all who come after. What somebody says
goes to the others: `ana: hello`. When a client has left, its handler ends, no error.

Try it:   python3 learn.py run 4.1
Check it: python3 learn.py check 4.1
"""

import asyncio

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

app = FastAPI(title="Exercise 4.1: announce")
people: set[WebSocket] = set()


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch04_broadcast/page.html")


async def tell(others: set[WebSocket], text: str) -> None:
    sends = [other.send_text(text) for other in others]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        await tell(people - {websocket}, f"{username} joined")
        async for text in websocket.iter_text():
            await tell(people - {websocket}, f"{username}: {text}")
    except RuntimeError:  # this one's own: once a send to it failed, receiving raises
        pass
    finally:  # and no close(): who is here has gone already
        people.remove(websocket)
        await tell(people, f"{username} left")
