# Provokes: no such cookie
from fastapi import FastAPI, HTTPException, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    if websocket.cookies["ticket"] != TICKET:
        raise HTTPException(403, "no ticket")
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
