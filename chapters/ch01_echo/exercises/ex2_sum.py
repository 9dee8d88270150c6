"""Exercise 1.2: sum.

Answer the text `{"a": 1, "b": 2}` with `{"sum": 3}`, and any other two numbers with
theirs; `-2` and `1.5` are numbers, `"1"`, `true`, `null` and `NaN` are not. Answer
every other text with `{"error": "..."}`, in your own words, and go on.

Try it:   python3 learn.py run 1.2
Check it: python3 learn.py check 1.2
"""

import json
from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse

PAGE = Path("chapters/ch01_echo/page.html")

app = FastAPI(title="Exercise 1.2: sum")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        # TODO: answer every other text with an error, and go on.
        numbers = json.loads(text)
        await websocket.send_json({"sum": numbers["a"] + numbers["b"]})
