"""The channel that all processes share: what one of them says, each one hears."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

ANSWER = 1.0  # seconds that Redis may take to answer
PATIENCE = 2.0  # seconds until what has not come back counts as lost
AGAIN = (0.1, 0.5)  # seconds until the next try, at random: processes come in turn

log = logging.getLogger("uvicorn.error")


class NotPublished(Exception):
    """What was said did not come back through Redis; the text says why."""


class Said(BaseModel):
    """What goes over the channel. By its number a listener learns what it missed."""

    process: str
    number: int  # of what this process has said
    sender: str  # a connection's id
    text: str


Hear = Callable[[Said], Awaitable[None]]


class Channel:
    """One subscription and one publisher, however many people this process has."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.name = name
        self.up = asyncio.Event()  # Redis has confirmed the subscription
        self.lost = 0  # what was said somewhere and not heard here
        self._told = False  # that Redis is away
        self._redis = self._connect()
        self._process = uuid4().hex
        self._said = 0
        self._heard = {self._process: 0}  # by process, the last number
        self._unheard: dict[int, asyncio.Future[None]] = {}
        self._one_by_one = asyncio.Lock()

    def _connect(self) -> Redis:
        return Redis.from_url(
            self.url,
            socket_connect_timeout=ANSWER,
            # Its own limit swallows a cancel() now and then; asyncio's does not.
            socket_timeout=None,
            # Nothing is tried twice, or everybody could hear it twice.
            retry=Retry(NoBackoff(), 0, ()),
            # Under RESP 3, redis-py 8.1 garbles what a subscription's PING returns.
            protocol=2,
        )

    @asynccontextmanager
    async def open(self, hear: Hear) -> AsyncIterator[None]:
        """Hear what is said, by whomever, until the end of the `with`."""
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(hear))
            # Confirmed before anybody is served: so nobody misses what is said first.
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self.up.wait()
            yield
            listening.cancel()

    async def publish(self, sender: str, text: str) -> None:
        """Returns when it has come back: nobody talks faster than Redis passes on."""
        back = asyncio.get_running_loop().create_future()
        number = 0
        try:
            async with asyncio.timeout(PATIENCE):
                async with self._one_by_one:
                    self._said = number = self._said + 1
                    if not self.up.is_set():
                        raise NotPublished("Redis is away")
                    self._unheard[number] = back
                    said = Said(
                        process=self._process, number=number, sender=sender, text=text
                    )
                    await self._redis.publish(self.name, said.model_dump_json())
                await back
        except TimeoutError:
            raise NotPublished(f"It did not come back in {PATIENCE:g} s") from None
        except RedisError as error:
            raise NotPublished(f"Redis is away: {error}") from None
        finally:
            self._unheard.pop(number, None)

    async def _listen(self, hear: Hear) -> None:
        """For ever. When Redis goes away: again, once it is back."""
        while True:
            self._redis = self._connect()
            try:
                async with self._redis.pubsub() as pubsub:
                    await self._subscribe(pubsub)
                    await self._hear_all(pubsub, hear)
            except (RedisError, OSError) as error:
                if not self._told:
                    log.warning("Redis is away: %s", str(error) or "no answer")
                self._told = True
            except Exception:
                log.exception("This process heard nothing more, and begins again.")
            finally:
                self.up.clear()
                # What has broken one connection may have broken the other.
                with suppress(RedisError):
                    await self._redis.aclose()
            await asyncio.sleep(random.uniform(*AGAIN))

    async def _subscribe(self, pubsub: PubSub) -> None:
        async with asyncio.timeout(ANSWER):
            await pubsub.subscribe(self.name)
            await pubsub.get_message(timeout=None)  # the confirmation
            await self._redis.ping()  # so that publishing works, too
        self.up.set()
        if self._told:
            log.warning("Redis is back.")
        self._told = False

    async def _hear_all(self, pubsub: PubSub, hear: Hear) -> None:
        asked = False
        while True:
            message = await pubsub.get_message(timeout=ANSWER)
            if message is None:
                # Silence is no sign of life: a dead link is silent, too.
                if asked:
                    raise TimeoutError(f"no answer for {ANSWER:g} s")
                await pubsub.ping()
            asked = message is None
            if message is not None and message["type"] == "message":
                said = self._parse(message["data"])
                if said is not None and self._is_next(said):
                    await hear(said)

    def _parse(self, data: bytes) -> Said | None:
        try:
            return Said.model_validate_json(data)
        except ValidationError:
            log.warning("Somebody else uses this channel: %.80r", data)
            return None

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
