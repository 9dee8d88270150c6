# Provokes: Only the whole text `bye`, as it is, ends the conversation.
"""Exercise 1.1: shout.

Answer every text in capitals: `hello` becomes `HELLO`. When the text is `bye`,
send no answer: close the connection with code 1000, and stop.

Try it:   python3 learn.py run 1.1
Check it: python3 learn.py check 1.1
"""

from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch01_echo/page.html")

app = FastAPI(title="Exercise 1.1: shout")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text.lower() == "bye":
            # Without close() the client would see 1006: nobody said goodbye.
            await websocket.close(1000)
            return
        await websocket.send_text(text.upper())
