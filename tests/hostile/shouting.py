"""The right answer to shout, with room for something else at every step."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, WebSocket

Step = Callable[[WebSocket], Awaitable[None]]


async def nothing(websocket: WebSocket) -> None:
    """What an honest program does besides."""


def shout(
    *,
    called: Step = nothing,
    accepted: Step = nothing,
    texted: Step = nothing,
    left: Step = nothing,
) -> FastAPI:
    """An app that answers in capitals, and at each step does this too."""
    app = FastAPI()

    @app.websocket("/ws")
    async def answer(websocket: WebSocket) -> None:
        await called(websocket)
        await websocket.accept()
        await accepted(websocket)
        async for text in websocket.iter_text():
            await texted(websocket)
            await websocket.send_text(text.upper())
        await left(websocket)

    return app


app = shout()
