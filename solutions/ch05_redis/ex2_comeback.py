"""Exercise 5.2: comeback.

What one client says, all hear, the sender too. A process has one subscription. Redis
may go away, for half a second as in the check or for an hour, and come back: every
socket stays open, and within 4 s all is as before. Whoever says something that cannot
be published is sent {"error": "..."}, alone, within 4 s, and the others are served
meanwhile. Nobody hears anything twice.

Try it:   python3 learn.py run 5.2
Check it: python3 learn.py check 5.2
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse
from redis.asyncio import Redis
from redis.exceptions import RedisError

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
# With RESP 3, redis-py 8.1 would keep dead connections, and publish through them.
redis = Redis.from_url(URL, protocol=2, socket_timeout=1, decode_responses=True)
people: set[WebSocket] = set()


async def hear() -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("chat")
        async for message in pubsub.listen():
            sends = [one.send_text(message["data"]) for one in people]
            await asyncio.gather(*sends, return_exceptions=True)  # some may have gone


async def keep_hearing() -> None:
    while True:  # whatever ended it: subscribe anew, a little later
        with suppress(RedisError, OSError):
            await hear()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(keep_hearing())
        yield
        hearing.cancel()


app = FastAPI(title="Exercise 5.2: comeback", lifespan=lifespan)
app.add_api_route("/", lambda: FileResponse("chapters/ch05_redis/page.html"))


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    people.add(websocket)
    async for text in websocket.iter_text():
        try:
            await redis.publish("chat", text)
        except RedisError as error:
            await websocket.send_json({"error": f"Not published: {error}"})
    people.discard(websocket)
