"""Chapter 4 without a look at who is behind: the most that a quicker look could save.

It is no design to use: nobody who is slow is waited for, and all are let go.
"""

import asyncio

from chapters.ch04_broadcast import app as chapter
from chapters.ch04_broadcast import room


class Room(room.Room):
    async def settle(self) -> None:
        if self._put > room.TURN:
            self._put = 0
            await asyncio.sleep(0)


chapter.room = Room()
app = chapter.app
