"""Exercise 3.3: origin.

Let in the pages of this server, those of `ALLOWED`, and programs, which send no
Origin. Refuse all other pages before accept(), with HTTP 403. An origin is a scheme,
a host and a port, such as `http://localhost:8000`; all three count.

Try it:   python3 learn.py run 3.3
Check it: python3 learn.py check 3.3
"""

from pathlib import Path

from fastapi import FastAPI, WebSocket, WebSocketException
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch03_dependencies/page.html")
ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI(title="Exercise 3.3: origin")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    scheme = websocket.scope["scheme"].replace("ws", "http")
    own = f"{scheme}://{websocket.headers['host']}"
    # Whole against whole: a browser writes one origin in one way only.
    if origin not in {None, own, *ALLOWED}:
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
