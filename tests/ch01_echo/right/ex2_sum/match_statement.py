import json
from math import isfinite

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


def is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value)


def answer(message: object) -> dict[str, object]:
    match message:
        case {"a": a, "b": b} if is_number(a) and is_number(b):
            return {"sum": a + b}
        case {"a": _, "b": _}:
            return {"error": "a and b must be numbers"}
    return {"error": "an object with a and b, please"}


@app.websocket("/ws")
async def calculate(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        try:
            message = await websocket.receive_json()
        except json.JSONDecodeError as error:
            await websocket.send_json({"error": error.msg})
        except WebSocketDisconnect:
            break
        else:
            await websocket.send_text(json.dumps(answer(message), indent=2))
