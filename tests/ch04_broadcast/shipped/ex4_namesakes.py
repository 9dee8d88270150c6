"""Exercise 4.4: namesakes.

What somebody says goes to all others as `{"username": ..., "message": ...}`, and not
back to who said it. Two people may have the same name: they hear each other, and who
stays is still heard when the other has left. When a client has left, its handler ends,
without an error.

Try it:   python3 learn.py run 4.4
Check it: python3 learn.py check 4.4
"""

from contextlib import suppress

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

app = FastAPI(title="Exercise 4.4: namesakes")
people: dict[str, WebSocket] = {}


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch04_broadcast/page.html")


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people[username] = websocket  # TODO: what if there is one of this name?
    async for text in websocket.iter_text():
        said = {"username": username, "message": text}
        for name, person in list(people.items()):
            if name != username:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await person.send_json(said)
    del people[username]
