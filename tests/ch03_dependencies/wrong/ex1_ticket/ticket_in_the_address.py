# Provokes: in the server's log
# Misconception: M16
from fastapi import FastAPI, WebSocket, WebSocketException

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket, ticket: str = "") -> None:
    if TICKET not in (ticket, websocket.cookies.get("ticket")):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
