from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while (data := await websocket.receive_text()) != "bye":
            await websocket.send_text(data.upper())
        await websocket.close(reason="bye")
    except WebSocketDisconnect:
        print("client left")
