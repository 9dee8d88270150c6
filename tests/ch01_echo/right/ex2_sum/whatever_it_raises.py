import json

from fastapi import FastAPI, WebSocket

app = FastAPI()


def refuse(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def total(text: str) -> float:
    numbers = json.loads(text, parse_constant=refuse)
    if any(type(numbers[key]) not in (int, float) for key in "ab"):
        raise TypeError("a and b must be numbers")
    return numbers["a"] + numbers["b"]


@app.websocket("/ws")
async def add(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        try:
            answer = json.dumps({"sum": total(text)}, allow_nan=False)
            await websocket.send_text(answer)
        except Exception as error:
            await websocket.send_json({"error": repr(error)})
