# Provokes: cancels the other sends when one fails
# Misconception: M36
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
            async with asyncio.TaskGroup() as sends:
                for other in people - {websocket}:
                    sends.create_task(other.send_text(text))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        people.remove(websocket)
