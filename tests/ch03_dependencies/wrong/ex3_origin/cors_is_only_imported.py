# Provokes: A stranger's page
# Misconception: M05
from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

KEPT_FOR_LATER = CORSMiddleware

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
