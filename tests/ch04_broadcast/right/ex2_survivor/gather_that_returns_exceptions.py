import asyncio

from fastapi import FastAPI, WebSocket

app = FastAPI()
people: set[WebSocket] = set()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    try:
        async for text in websocket.iter_text():
            others = people - {websocket}
            sends = [other.send_text(text) for other in others]
            await asyncio.gather(*sends, return_exceptions=True)
    except RuntimeError:
        pass
    finally:
        people.remove(websocket)
