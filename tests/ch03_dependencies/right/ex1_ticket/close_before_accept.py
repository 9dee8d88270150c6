from fastapi import FastAPI, WebSocket

TICKET = "row-7-seat-12"

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    # Not in constant time: no check can see that over a socket.
    if websocket.cookies.get("ticket") != TICKET:
        await websocket.close(1008)
        return
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
