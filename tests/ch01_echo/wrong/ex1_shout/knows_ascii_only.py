# Provokes: Not all letters are ASCII.
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def shout(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bye":
            await websocket.close(1000)
            return
        letters = [chr(ord(c) - 32) if "a" <= c <= "z" else c for c in text]
        await websocket.send_text("".join(letters))
