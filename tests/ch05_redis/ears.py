"""A channel driven in the process of its test, with what it says kept."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine

from chapters.ch05_redis.channel import Said
from tests.waiting import DEADLINE


class Ears:
    """Hears what the channel says."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.news = asyncio.Event()

    async def hear(self, said: Said) -> None:
        self.texts.append(said.text)
        self.news.set()

    async def wait_for(self, text: str) -> None:
        while text not in self.texts:
            self.news.clear()
            await self.news.wait()


def run(work: Coroutine[None, None, None]) -> None:
    """Run it in a loop of its own; it leaves no task behind."""

    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE):
            await work
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with warnings.catch_warnings():
        # Cancelled while it connects, redis-py forgets its end of the socket: that is
        # closed when it is collected, which is here and not in another test.
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(bounded())
        gc.collect()
