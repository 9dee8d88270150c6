"""An app that closes as it is told: `/401?reason=unauthorized`."""

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/{code}")
async def close(websocket: WebSocket, code: int, reason: str = "") -> None:
    await websocket.accept()
    await websocket.close(code, reason)
