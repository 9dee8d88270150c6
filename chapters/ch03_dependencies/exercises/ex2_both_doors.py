"""Exercise 3.2: both doors.

`GET /me` answers `{"name": "ana"}` to who holds ana's key, and HTTP 403 to a
stranger: `member` decides. Let it decide at the other door, too: the socket greets
a member with `Hello, ana!` and echoes; a stranger's handshake gets HTTP 403.

Try it:   python3 learn.py run 3.2
Check it: python3 learn.py check 3.2
"""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch03_dependencies/page.html")
MEMBERS = {"key-of-ana": "ana", "key-of-bo": "bo"}

app = FastAPI(title="Exercise 3.2: both doors")


async def member(request: Request) -> str:
    key = request.cookies.get("key", "")
    if key not in MEMBERS:
        raise HTTPException(403, "members only")
    return MEMBERS[key]


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE, headers={"Set-Cookie": "key=key-of-ana; HttpOnly"})


@app.get("/me")
async def me(name: Annotated[str, Depends(member)]) -> dict[str, str]:
    return {"name": name}


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    # TODO: ask `member`, who must understand a WebSocket then, and greet by name.
    await websocket.accept()
    await websocket.send_text("Hello, whoever!")
    async for text in websocket.iter_text():
        await websocket.send_text(text)
