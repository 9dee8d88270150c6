"""The page of chapter 1 on an app that ends the conversation as it is told.

`close 4000 some reason` closes with this code and reason, `return` ends without a
close frame, and any other text is echoed.
"""

from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

PAGE = Path(__file__).parents[2] / "chapters" / "ch01_echo" / "page.html"

app = FastAPI()


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def obey(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        match text.split(" ", 2):
            case ["close", code, reason]:
                await websocket.close(int(code), reason)
                return
            case ["return"]:
                return
        await websocket.send_text(f"Message text was: {text}")
