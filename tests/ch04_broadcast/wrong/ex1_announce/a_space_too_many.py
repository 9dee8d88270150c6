# Provokes: letter by letter
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: dict[WebSocket, str] = {}


async def tell(websocket: WebSocket, text: str) -> None:
    sends = [person.send_text(text) for person in people if person is not websocket]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people[websocket] = username
    try:
        await tell(websocket, f"{username} joined")
        async for text in websocket.iter_text():
            await tell(websocket, f"{username} : {text}")
    except RuntimeError:
        pass
    finally:
        del people[websocket]
        await tell(websocket, f"{username} left")
