# Provokes: It ends nothing
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket") != TICKET:
        raise WebSocketException(1008)
    await websocket.accept()
    while True:
        text = await websocket.receive_text()
        await websocket.send_text(text)
        if not text:
            await websocket.close()
            return
