import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            others = [person for person in people if person is not websocket]
            sends = [asyncio.create_task(person.send_text(text)) for person in others]
            done, _ = await asyncio.wait(sends) if sends else ((), ())
            for send in done:
                send.exception()
    except (WebSocketDisconnect, RuntimeError):
        people.remove(websocket)
