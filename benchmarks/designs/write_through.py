"""Chapter 4 with members to whom a text is sent at once, in its sender's turn.

Only a send that would have to wait is left to the deliverer. The room, its backlog, and
who is let go, are the chapter's.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import coroutine
from typing import Any

from fastapi import FastAPI, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected

from chapters.ch04_broadcast import app as chapter
from chapters.ch04_broadcast import room

Sending = Coroutine[Any, Any, None]


@coroutine
def resume(sending: Sending, waits_for: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine that has been stepped once, and waits for something."""
    yield waits_for
    yield from sending


class Member(room.Member):
    _send: Callable[[str], Sending] | None = None
    _rest: Awaitable[None] | None = None

    def put(self, text: str, size: int, silence: float) -> None:
        if self._send and not self._size and not self._gone:  # nothing waits for it
            sending = self._send(text)
            try:
                waits_for = sending.send(None)
            except StopIteration:
                return  # it has been sent
            except (WebSocketDisconnect, WebSocketDisconnected):
                return  # it has left: its handler is told, too
            except RuntimeError:
                self.let_go()
                return
            self._rest = resume(sending, waits_for)
        super().put(text, size, silence)

    async def deliver(self, send: Callable[[str], Sending]) -> None:
        self._send = send
        await super().deliver(self._go_on)

    def _go_on(self, text: str) -> Awaitable[None]:
        rest, self._rest = self._rest, None
        return rest or self._send(text)


def make_app() -> FastAPI:
    room.Member = Member
    return chapter.app
