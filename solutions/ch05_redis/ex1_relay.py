"""Exercise 5.1: relay.

What one client says, all others hear to the letter, whichever process serves them, in
the order in which Redis had it; the sender does not hear it. A process has one
subscription, however many clients it has, even if they come at once, and however long
they are silent. It serves nobody before Redis has confirmed it.

Try it:   python3 learn.py run 5.1 --workers 2
Check it: python3 learn.py check 5.1
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse
from redis.asyncio import Redis

redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
people: dict[str, WebSocket] = {}


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with redis.pubsub() as pubsub, asyncio.TaskGroup() as tasks:
        await pubsub.subscribe(chat=tell_others)  # one, for all of this process
        await pubsub.get_message(timeout=None)  # Redis has confirmed it
        listening = tasks.create_task(pubsub.run())
        yield
        listening.cancel()


app = FastAPI(title="Exercise 5.1: relay", lifespan=lifespan)
app.add_api_route("/", lambda: FileResponse("chapters/ch05_redis/page.html"))


async def tell_others(message: dict[str, bytes]) -> None:
    sender, _, text = message["data"].decode().partition(" ")
    sends = [one.send_text(text) for who, one in people.items() if who != sender]
    await asyncio.gather(*sends, return_exceptions=True)  # some may have gone


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    me = os.urandom(8).hex()
    people[me] = websocket
    async for text in websocket.iter_text():
        await redis.publish("chat", f"{me} {text}")
    del people[me]
