import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class Chat:
    """One connection to hear by, one or two to speak by; told when Redis is away."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=3, timeout=1, socket_timeout=1, protocol=2
        )
        self.redis = Redis(connection_pool=pool)
        self.members: list[WebSocket] = []
        self.up = False

    async def run(self) -> None:
        while True:
            pubsub = self.redis.pubsub()
            try:
                await pubsub.subscribe("comeback")
                self.up = True
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        await self.tell_all(message["data"].decode())
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("Redis is away: %s", error)
            finally:
                self.up = False
                await pubsub.aclose()
            await asyncio.sleep(0.25)

    async def tell_all(self, text: str) -> None:
        for member in tuple(self.members):
            try:
                await member.send_text(text)
            except Exception:
                log.info("somebody has gone")

    async def say(self, text: str) -> str | None:
        """Why it could not be said, if it could not."""
        try:
            async with asyncio.timeout(2):
                await self.redis.publish("comeback", text)
        except TimeoutError:
            return "Redis does not answer"
        except RedisError as error:
            return str(error) or type(error).__name__
        return None


chat = Chat(os.environ["REDIS_URL"])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    running = asyncio.create_task(chat.run())
    yield
    running.cancel()
    await asyncio.wait([running])
    await chat.redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"up": chat.up}


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    chat.members.append(websocket)
    try:
        while True:
            event = await websocket.receive()
            if event["type"] == "websocket.disconnect":
                break
            why = await chat.say(event["text"])
            if why is not None:
                await websocket.send_json({"error": why})
    finally:
        chat.members.remove(websocket)
