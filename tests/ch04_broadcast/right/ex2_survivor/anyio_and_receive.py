import contextlib

import anyio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
sockets: dict[int, WebSocket] = {}


@app.get("/count")
def count() -> int:
    return len(sockets)


async def hand_over(number: int, text: str) -> None:
    with contextlib.suppress(KeyError, WebSocketDisconnect, RuntimeError):
        await sockets[number].send_text(text)


@app.websocket("/ws")
async def talk(ws: WebSocket) -> None:
    await ws.accept()
    mine = id(ws)
    sockets[mine] = ws
    while (message := await ws.receive())["type"] == "websocket.receive":
        async with anyio.create_task_group() as group:
            for number in sockets.keys() - {mine}:
                group.start_soon(hand_over, number, message["text"])
    del sockets[mine]
