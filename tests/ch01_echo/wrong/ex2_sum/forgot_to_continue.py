# Provokes: after an except, the code goes on below
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
        try:
            numbers = json.loads(text)
            a, b = numbers["a"], numbers["b"]
            # Not isinstance(): by that, True is an int. And JSON has no NaN.
            if not {type(a), type(b)} <= {int, float}:
                raise TypeError("not two numbers")
            answer = json.dumps({"sum": a + b}, allow_nan=False)
        # No JSON, no key, no dict, too big, too deep: each has an error of its own.
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
            await websocket.send_json({"error": "I add two numbers, a and b"})
        await websocket.send_text(answer)
