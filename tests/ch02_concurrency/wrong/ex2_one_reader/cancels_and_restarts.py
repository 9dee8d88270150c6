# Provokes: A cancelled task begins anew
# Misconception: M20
import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

STEP = 1.0
app = FastAPI()


async def wait_a_step() -> None:
    await asyncio.sleep(STEP)


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    paused = False
    try:
        while True:
            receiving = asyncio.create_task(websocket.receive_text())
            ticking = asyncio.create_task(wait_a_step())
            done, pending = await asyncio.wait(
                {receiving, ticking}, return_when=asyncio.FIRST_COMPLETED
            )
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                text = task.result()
                if text is None and not paused:
                    await websocket.send_text("tick")
                elif text in ("pause", "resume"):
                    paused = text == "pause"
                elif text is not None:
                    await websocket.send_text(text)
    except WebSocketDisconnect:
        pass
