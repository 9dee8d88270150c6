# Provokes: no HTTP left
# Misconception: M27
from fastapi import FastAPI, HTTPException, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    if websocket.cookies.get("ticket") != TICKET:
        raise HTTPException(403, "no ticket")
    async for text in websocket.iter_text():
        await websocket.send_text(text)
