import contextlib

import anyio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
room: list[tuple[str, WebSocket]] = []


@app.get("/names")
def names() -> list[str]:
    return [name for name, _ in room]


async def try_to_send(websocket: WebSocket, text: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_text(text)


async def tell(text: str, *, but: WebSocket) -> None:
    async with anyio.create_task_group() as sends:
        for _, person in room:
            if person is not but:
                sends.start_soon(try_to_send, person, text)


@app.websocket("/ws")
async def conversation(ws: WebSocket, username: str = "Anonymous") -> None:
    await ws.accept()
    entry = (username, ws)
    room.append(entry)
    try:
        await tell(f"{username} joined", but=ws)
        while True:
            await tell(f"{username}: {await ws.receive_text()}", but=ws)
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        room.remove(entry)
        with anyio.CancelScope(shield=True):
            await tell(f"{username} left", but=ws)
