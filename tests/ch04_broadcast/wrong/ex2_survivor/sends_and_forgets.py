# Provokes: Who awaits it, and learns of it?
# Misconception: M24
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

app = FastAPI(title="Exercise 4.2: survivor")
people: list[WebSocket] = []


@app.get("/")
async def page() -> FileResponse:
    return FileResponse("chapters/ch04_broadcast/page.html")


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in [*people]:  # a copy: some come or leave while we await
                if person is not websocket:
                    asyncio.create_task(person.send_text(text))  # noqa: RUF006
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
