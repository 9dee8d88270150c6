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

# RuntimeError: uvloop's, where one writes to a connection that was reset.
BROKEN = (RedisError, OSError, RuntimeError)

log = logging.getLogger("uvicorn.error")


class NotPublished(Exception):
    """What was said did not come back through Redis: perhaps nobody has heard it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}. Perhaps nobody has heard this")


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
        self._closed = True
        self._process = ""
        self._said = 0
        self._heard: dict[str, int] = {}  # by process, the last number
        self._outbox: asyncio.Queue[Said] = asyncio.Queue()
        self._unheard: dict[int, asyncio.Future[str]] = {}  # why it is lost, or ""

    @property
    def health(self) -> dict[str, object]:
        return {"redis": "up" if self.up.is_set() else "away", "lost": self.lost}

    @asynccontextmanager
    async def open(self, hear: Hear) -> AsyncIterator[None]:
        """Hear what is said, by whomever, until the end of the `with`."""
        self._closed = False
        # Not sooner: a server that forks copies what has been imported.
        self._process = uuid4().hex
        self._heard[self._process] = self._said
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(hear))
            try:
                # Confirmed before anybody is served: nobody misses what is said first.
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await self.up.wait()
                yield
            finally:
                self._closed = True
                listening.cancel()

    async def publish(self, sender: str, text: str) -> None:
        """Returns when it has come back: nobody talks faster than Redis passes on."""
        self._said = number = self._said + 1
        if not self.up.is_set():
            raise NotPublished("Redis is away")
        said = Said(process=self._process, number=number, sender=sender, text=text)
        back = self._unheard[number] = asyncio.get_running_loop().create_future()
        self._outbox.put_nowait(said)
        try:
            async with asyncio.timeout(PATIENCE):
                if why := await back:
                    raise NotPublished(why)
        except TimeoutError:
            raise NotPublished(f"It did not come back in {PATIENCE:g} s") from None
        finally:
            del self._unheard[number]

    async def _listen(self, hear: Hear) -> None:
        """Until it is closed. When Redis goes away: again, once it is back."""
        # A TaskGroup that ends with an error forgets a cancel() that comes just then.
        while not self._closed:
            redis = self._connect()
            try:
                async with redis.pubsub() as pubsub:
                    await self._subscribe(redis, pubsub)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._hear_all(pubsub, hear))
                        tasks.create_task(self._ask(pubsub))
                        tasks.create_task(self._publish_all(redis))
            except* BROKEN as errors:
                self._tell_that_it_is_away(errors.exceptions[0])
            except* Exception:
                log.exception("This process heard nothing more, and begins again.")
            finally:
                self._go_down()
                with suppress(*BROKEN):
                    await redis.aclose()
            await asyncio.sleep(random.uniform(*AGAIN))

    def _connect(self) -> Redis:
        return Redis.from_url(
            self.url,
            socket_connect_timeout=ANSWER,
            # Its own limit swallows a cancel() now and then; asyncio's does not.
            socket_timeout=None,
            # Nothing is tried twice, or everybody could hear it twice.
            retry=Retry(NoBackoff(), 0, ()),
            # RESP 3 adds nothing that is needed here, and takes longer to read.
            protocol=2,
        )

    async def _subscribe(self, redis: Redis, pubsub: PubSub) -> None:
        async with asyncio.timeout(ANSWER):
            await pubsub.subscribe(self.name)
            await pubsub.get_message(timeout=None)  # the confirmation
            await redis.ping()  # so that publishing works, too
        self.up.set()
        if self._told:
            log.warning("Redis is back.")
        self._told = False

    async def _hear_all(self, pubsub: PubSub, hear: Hear) -> None:
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(None) as silence:
            while True:
                silence.reschedule(now() + 2 * ANSWER)
                message = await pubsub.get_message(timeout=None)
                silence.reschedule(None)
                if message is not None and message["type"] == "message":
                    said = self._parse(message["data"])
                    if said is not None and self._is_next(said):
                        await hear(said)

    async def _ask(self, pubsub: PubSub) -> None:
        # Silence is no sign of life, for a dead link is silent, too; an answer is.
        while True:
            await asyncio.sleep(ANSWER)
            await pubsub.ping()

    async def _publish_all(self, redis: Redis) -> None:
        # One task, which no member can cancel: redis-py loses a connection then. All
        # that waits goes in one round trip, and so comes back in one.
        connection = await redis.connection_pool.get_connection()
        while True:
            batch = [await self._outbox.get()]
            while not self._outbox.empty():
                batch.append(self._outbox.get_nowait())
            texts = [said.model_dump_json() for said in batch]
            commands = [("PUBLISH", self.name, text) for text in texts]
            try:
                async with asyncio.timeout(ANSWER):
                    packed = connection.pack_commands(commands)
                    await connection.send_packed_command(packed)
                    for _ in batch:
                        await connection.read_response()
            except (RedisError, RuntimeError) as error:
                await connection.disconnect(nowait=True)  # the next one connects anew
                for said in batch:
                    self._answer(said.number, f"Redis did not confirm it: {error}")

    def _answer(self, number: int, why: str) -> None:
        back = self._unheard.get(number)
        if back is not None and not back.done():
            back.set_result(why)

    def _go_down(self) -> None:
        self.up.clear()
        self._outbox = asyncio.Queue()
        for number in self._unheard:
            self._answer(number, "Redis went away")

    def _tell_that_it_is_away(self, error: Exception) -> None:
        if not self._told:
            log.warning("Redis is away: %s", str(error) or "no answer")
        self._told = True

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
            self._answer(said.number, "")
        return True
