from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def count(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        match await websocket.receive():
            case {"text": str() as data} | {"bytes": bytes() as data}:
                await websocket.send_text(f"{len(data)}")
            case {"type": "websocket.disconnect"}:
                break
