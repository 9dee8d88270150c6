"""The channel that all processes share: what one of them says, each one hears."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple, Self
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER = 1.0  # seconds that Redis may take to answer
PATIENCE = 2.0  # seconds until what has not come back counts as lost
AGAIN = (0.1, 0.5)  # seconds until the next try, at random: processes come in turn

log = logging.getLogger("uvicorn.error")


class NotPublished(Exception):
    """What was said did not come back through Redis; the text says why."""


class Said(NamedTuple):
    """What goes over the channel. By its number a listener learns what it missed."""

    process: str
    number: int  # of what this process has said
    sender: str  # a connection's id
    text: str

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        try:
            return cls(**json.loads(data))
        except (ValueError, TypeError):
            log.warning("Somebody else uses this channel: %.80r", data)
            return None


class Channel:
    """One subscription and one publisher, however many people this process has."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.up = asyncio.Event()  # Redis has confirmed the subscription
        self.lost = 0  # what was said somewhere and not heard here
        self._told = False  # that Redis is away
        self._process = uuid4().hex
        self._said = 0
        self._heard = {self._process: 0}  # by process, the last number
        self._unheard: dict[int, asyncio.Future[None]] = {}
        self._one_by_one = asyncio.Lock()
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=ANSWER,
            socket_timeout=ANSWER,
            # Not again after a lost answer, or everybody would hear it twice.
            retry=Retry(NoBackoff(), 0),
            # Under RESP 3, redis-py 8.1 garbles what a subscription's PING returns.
            protocol=2,
        )

    async def close(self) -> None:
        await self._redis.aclose()

    async def publish(self, sender: str, text: str) -> None:
        """Returns when it has come back: nobody talks faster than Redis passes on."""
        back = asyncio.get_running_loop().create_future()
        number = 0
        try:
            async with asyncio.timeout(PATIENCE), self._one_by_one:
                self._said = number = self._said + 1
                if not self.up.is_set():
                    raise NotPublished("Redis is away")
                self._unheard[number] = back
                said = Said(self._process, number, sender, text)
                await self._redis.publish(self.name, json.dumps(said._asdict()))
            async with asyncio.timeout(PATIENCE):
                await back
        except TimeoutError:
            raise NotPublished(f"Redis is slow: not back in {PATIENCE:g} s") from None
        except RedisError as error:
            raise NotPublished(f"Redis is away ({error})") from None
        finally:
            self._unheard.pop(number, None)

    async def messages(self) -> AsyncGenerator[Said, None]:
        """What is said, for ever. When Redis goes away: again, once it is back."""
        while True:
            try:
                async with aclosing(self._subscription()) as subscription:
                    async for said in subscription:
                        if self._is_next(said):
                            yield said
            except (RedisError, OSError) as error:
                self.up.clear()
                if not self._told:
                    log.warning("Redis is away: %s", error)
                self._told = True
            await asyncio.sleep(random.uniform(*AGAIN))

    async def _subscription(self) -> AsyncGenerator[Said, None]:
        """One subscription, for as long as it lives."""
        asked = False
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(self.name)
            while True:
                message = await pubsub.get_message(timeout=ANSWER)
                if message is None:
                    # Silence is no sign of life: a dead link is silent, too.
                    if asked:
                        raise TimeoutError(f"no answer for {ANSWER:g} s")
                    await pubsub.ping()
                asked = message is None
                match message:
                    case {"type": "subscribe"}:
                        self._confirm()
                    case {"type": "message", "data": data}:
                        if said := Said.parse(data):
                            yield said

    def _confirm(self) -> None:
        self.up.set()
        if self._told:
            log.warning("Redis is back.")
        self._told = False

    def _is_next(self, said: Said) -> bool:
        last = self._heard.get(said.process, said.number - 1)
        if said.number <= last:
            return False  # late, from before a break: its sender was told otherwise
        if missed := said.number - last - 1:
            self.lost += missed
            log.warning("%d lost: said while Redis was away.", missed)
        self._heard[said.process] = said.number
        if said.process == self._process:
            back = self._unheard.get(said.number)
            if back is not None and not back.done():
                back.set_result(None)
        return True
