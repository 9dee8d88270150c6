# Provokes: had gone
# Misconception: M01
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketState

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    async for text in websocket.iter_text():
        for person in list(people):
            there = person.client_state == WebSocketState.CONNECTED
            if there and person is not websocket:
                await person.send_text(text)
    people.remove(websocket)
