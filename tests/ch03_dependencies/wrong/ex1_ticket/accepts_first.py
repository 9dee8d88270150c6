# Provokes: shown the door
# Misconception: M34
from fastapi import FastAPI, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    if websocket.cookies.get("ticket") != TICKET:
        await websocket.close(1008)
        return
    async for text in websocket.iter_text():
        await websocket.send_text(text)
