# Provokes: ended the handler of who spoke
# Misconception: M01
from fastapi import FastAPI, WebSocket

app = FastAPI()
people: list[WebSocket] = []


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.append(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for person in list(people):
                if person is not websocket:
                    await person.send_text(text)
    except Exception:
        pass
    people.remove(websocket)
