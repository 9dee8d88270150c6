# Provokes: After close() comes return
# Misconception: M48
from fastapi import FastAPI, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket") != TICKET:
        await websocket.close(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
