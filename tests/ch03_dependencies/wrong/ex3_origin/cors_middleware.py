# Provokes: never sees sockets
# Misconception: M37
from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=list(ALLOWED))


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
