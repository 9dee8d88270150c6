# Provokes: the handler raised TypeError
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("text") or message.get("bytes")
        await websocket.send_text(str(len(data)))
