"""The people whom this process can reach, and what still waits for each of them."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

BACKLOG = 1024 * 1024  # bytes that may wait for one member
BEHIND = BACKLOG // 2  # with more, a member is behind: those who speak wait for it
TURN = BACKLOG // 4  # bytes for all together: then those who deliver get a turn
SLOWEST = 400 * 1024  # bytes a second: slower than this, nobody is waited for
PATIENCE = 0.2  # seconds of silence: who takes nothing in them is not waited for


class TooSlow(Exception):
    """More than BACKLOG waited for this member: it was let go."""


class Member:
    """One connection. Its id is what it is known by: people may share a name."""

    def __init__(self, stay: asyncio.Timeout) -> None:
        self.id = uuid4().hex
        self.keeps_up = asyncio.Event()
        self.keeps_up.set()
        self._stay = stay
        self._backlog: deque[tuple[str, int]] = deque()
        self._size = 0  # bytes, of the backlog and of what is being sent
        self._silence = 0.0  # seconds, while something waits: 0 when it takes some
        self._news = asyncio.Event()
        self._gone = False

    def put(self, text: str, size: int, silence: float) -> None:
        if self._size > BACKLOG:
            self.let_go()
        if self._gone:
            return
        if self._size:
            self._silence += silence
        self._backlog.append((text, size))
        self._size += size
        self._news.set()
        if self._size > BEHIND and self._silence < PATIENCE:
            self.keeps_up.clear()

    def let_go(self) -> None:
        if not self._gone:
            self._gone = True
            # Whatever its handler waits for, such as a send that never ends, is
            # cancelled: its time in the room is over.
            self._stay.reschedule(0)

    async def deliver(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Hand over what comes, text by text, for as long as it takes."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._backlog:
                    text, size = self._backlog.popleft()
                    await send(text)
                    self._size -= size
                    self._silence = 0.0
                    if self._size <= BEHIND:
                        self.keeps_up.set()
        finally:
            # Nothing more can be sent to it: nothing need be kept, nobody need wait.
            self._gone = True
            self._backlog.clear()
            self.keeps_up.set()


class Room:
    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._floor = asyncio.Lock()
        self._last = 0  # bytes, of what was said last
        self._spoken = 0.0  # when that was, in seconds
        self._silence = 0.0  # seconds, from then until the next one came
        self._put = 0  # bytes, for all, since those who deliver had a turn

    def __len__(self) -> int:
        return len(self._members)

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Member]:
        try:
            async with asyncio.timeout(None) as stay:  # until it is let go
                member = Member(stay)
                self._members[member.id] = member
                try:
                    yield member
                finally:
                    del self._members[member.id]
        except TimeoutError:
            raise TooSlow from None

    def broadcast(self, text: str, *, sender: str) -> None:
        # Never awaits: so nobody joins or leaves in the middle, and nobody slow can
        # hold it up.
        self._last = size = len(text.encode())
        self._put += size * len(self._members)
        silence, self._silence = self._silence, 0.0
        for member in self._members.values():
            if member.id != sender:
                member.put(text, size, silence)

    async def settle(self) -> None:
        """Before one more message: a turn for those who deliver.

        While somebody is behind, one message after the other is held back, as long as
        the one before takes at SLOWEST. So the room waits for those who are slow, and
        not for who takes nothing even while nobody speaks. Nobody reads the senders'
        sockets meanwhile: TCP slows them down.
        """
        came = time.monotonic()
        if self._put > TURN:
            self._put = 0
            await asyncio.sleep(0)
        async with self._floor:
            # That turn, and standing in line for the floor, are no silence.
            self._silence = max(came - self._spoken, 0)
            behind = [m for m in self._members.values() if not m.keeps_up.is_set()]
            if behind:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(self._last, BEHIND) / SLOWEST):
                        for member in behind:
                            await member.keeps_up.wait()
            self._spoken = time.monotonic()
