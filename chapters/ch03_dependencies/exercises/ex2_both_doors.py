"""Exercise 3.2: both doors.

`GET /me` names the member whose key is in the cookie `key`; a stranger gets HTTP 403.
Decide so at the socket, too: the text `Hello, ana!` to ana and close 1000, or HTTP 403.

Try it:   python3 learn.py run 3.2   (console: document.cookie = 'key=key-of-bo')
Check it: python3 learn.py check 3.2
"""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import FileResponse

MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}
app = FastAPI(title="Exercise 3.2: both doors")


async def member(request: Request) -> str:
    if name := MEMBERS.get(request.cookies.get("key", "")):
        return name
    raise HTTPException(403, "members only")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch03_dependencies/page.html")


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    # TODO: ask `member`, who must understand a WebSocket then, and greet by name.
    await websocket.send_text("Hello, whoever!")
    await websocket.close()
