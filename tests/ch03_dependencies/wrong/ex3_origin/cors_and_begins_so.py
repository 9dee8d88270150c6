# Provokes: Its port is another
# Misconception: M05
from fastapi import FastAPI, WebSocket, WebSocketException
from fastapi.middleware.cors import CORSMiddleware

ALLOWED = {"https://chat.example", "http://localhost:3000"}

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=list(ALLOWED))


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    origin = websocket.headers.get("origin")
    own = f"http://{websocket.headers['host']}"
    sites = (own, *ALLOWED)
    if origin is not None and not origin.startswith(sites):
        raise WebSocketException(1008)
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
