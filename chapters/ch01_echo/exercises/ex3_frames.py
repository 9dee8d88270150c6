"""Exercise 1.3: frames.

Answer a text frame with its number of characters, as `len()` counts them, and a
binary frame with its number of bytes. The answer is a text: `Grüße` gets `5`, and
an empty frame of either kind gets `0`. When the client leaves, the handler ends,
without an error.

Try it:   python3 learn.py run 1.3
Check it: python3 learn.py check 1.3
"""

from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch01_echo/page.html")

app = FastAPI(title="Exercise 1.3: frames")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    # TODO: count binary frames too. What does receive() give, in place of a text?
    async for text in websocket.iter_text():
        await websocket.send_text(str(len(text)))
