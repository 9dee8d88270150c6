"""Exercise 4.2: survivor.

What somebody says goes to all others, once and in order, and not back. One of them may
be dead, and nobody knows it yet; one may leave while it is being sent. That costs the
others nothing: whoever is there hears it, and who speaks stays. When a client has left,
its handler ends, without an error. If you start tasks: when one fails, something awaits
it, or asks for its exception.

Try it:   python3 learn.py run 4.2
Check it: python3 learn.py check 4.2
"""

from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

app = FastAPI(title="Exercise 4.2: survivor")
people: list[WebSocket] = []


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch04_broadcast/page.html")


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in [*people]:  # a copy: some come or leave while we await
                if person is not websocket:
                    # Dead: the first send raises the one, the next the other. Its
                    # own handler removes it, as soon as it learns of it.
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await person.send_text(text)
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
