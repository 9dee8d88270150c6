# Provokes: HTTP 401 Unauthorized
from fastapi import FastAPI, HTTPException, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies.get("ticket") != TICKET:
        raise HTTPException(401, "no ticket")
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
