"""The right answer to 5.1, with room for something else at every step.

It goes by the name of the right answer to shout, so that the same hostile programs
can be tried on a Redis exercise.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

Step = Callable[[WebSocket], Awaitable[None]]

redis = Redis.from_url(os.environ["REDIS_URL"])


async def nothing(websocket: WebSocket) -> None:
    """What an honest program does besides."""


async def idle() -> None:
    """What an honest program does besides, when it starts."""


def shout(
    *,
    called: Step = nothing,
    accepted: Step = nothing,
    texted: Step = nothing,
    left: Step = nothing,
    started: Callable[[], Awaitable[None]] = idle,
) -> FastAPI:
    """An app that tells all others by Redis, and at each step does this too."""
    people: dict[str, WebSocket] = {}

    async def tell_others(message: dict[str, bytes]) -> None:
        sender, _, text = message["data"].decode().partition(" ")
        sends = [one.send_text(text) for who, one in people.items() if who != sender]
        await asyncio.gather(*sends, return_exceptions=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
            await pubsub.subscribe(chat=tell_others)
            await pubsub.get_message(timeout=None)
            listening = tasks.create_task(pubsub.run())
            await started()
            yield
            listening.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/ws")
    async def chat(websocket: WebSocket) -> None:
        await called(websocket)
        await websocket.accept()
        await accepted(websocket)
        me = os.urandom(8).hex()
        people[me] = websocket
        try:
            async for text in websocket.iter_text():
                await texted(websocket)
                await redis.publish("chat", f"{me} {text}")
        finally:
            del people[me]
        await left(websocket)

    return app


app = shout()
