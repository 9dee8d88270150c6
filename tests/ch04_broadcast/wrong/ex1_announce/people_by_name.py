# Provokes: are two people
# Misconception: M51
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: dict[str, WebSocket] = {}


async def tell(text: str, but: str = "") -> None:
    sends = [people[name].send_text(text) for name in people.keys() - {but}]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    people[username] = websocket
    try:
        await tell(f"{username} joined", username)
        async for text in websocket.iter_text():
            await tell(f"{username}: {text}", username)
    except RuntimeError:
        pass
    finally:
        del people[username]
        await tell(f"{username} left")
