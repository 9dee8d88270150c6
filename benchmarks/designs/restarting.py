"""Two tasks that race, the loop that many meet first: whoever is second begins anew."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

TIME_INTERVAL = 10.0  # seconds

app = FastAPI(title="Cancel and restart")


async def echo_once(websocket: WebSocket) -> None:
    text = await websocket.receive_text()
    await websocket.send_text(f"Message text was: {text}")


async def send_time_once(websocket: WebSocket) -> None:
    await asyncio.sleep(TIME_INTERVAL)
    await websocket.send_text(f"It is: {datetime.now(UTC).isoformat()}")


@app.websocket("/ws")
async def race(websocket: WebSocket) -> None:
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            tasks = {
                asyncio.create_task(echo_once(websocket)),
                asyncio.create_task(send_time_once(websocket)),
            }
            done, pending = await asyncio.wait(
                tasks, return_when=asyncio.FIRST_COMPLETED
            )
            for task in pending:
                task.cancel()
            for task in done:
                task.result()
