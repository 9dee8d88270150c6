# Provokes: ended the handler of who spoke
# Misconception: M01
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            others = people - {websocket}
            await asyncio.gather(*(other.send_text(text) for other in others))
    except WebSocketDisconnect:
        pass
    finally:
        people.remove(websocket)
