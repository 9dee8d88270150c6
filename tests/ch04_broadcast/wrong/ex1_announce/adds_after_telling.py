# Provokes: hears of all who come after
import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: set[WebSocket] = set()


async def tell(text: str, speaker: WebSocket) -> None:
    sends = [other.send_text(text) for other in people - {speaker}]
    await asyncio.gather(*sends, return_exceptions=True)


@app.websocket("/ws")
async def chat(websocket: WebSocket, username: str = "Anonymous") -> None:
    await websocket.accept()
    await tell(f"{username} joined", websocket)
    people.add(websocket)
    try:
        async for text in websocket.iter_text():
            await tell(f"{username}: {text}", websocket)
    except RuntimeError:
        pass
    finally:
        people.remove(websocket)
        await tell(f"{username} left", websocket)
