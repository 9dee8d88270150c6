"""What runs inside the process that forks those that hold a learner's file.

Importing FastAPI takes a third of a second, a fork some milliseconds. So this
process imports what every app needs, once, and nothing of a learner's; it has one
thread and no event loop. `forked.py` starts it and asks it for forks: a message on
its standard input, a Unix socket, brings the standard streams of a new one and a
channel, by which the fork's process number is told and, later, its exit status.
A fork that has ended stays, as a zombie, until the channel is closed: so its number
means nobody else meanwhile. When standard input ends, so does this process; its
forks notice the same by themselves.
"""

import gc
import importlib
import os
import selectors
import signal
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from workbook import child

NUMBER = struct.Struct("i")
"""How a process number or an exit status is told; negative is a signal's number."""

STREAMS = 3
"""Standard input, output and error."""


def main() -> None:
    """Serve; in each fork, go on as `child.py` says."""
    Server(socket.socket(fileno=0)).serve()
    child.main(forked=True)


@dataclass
class Fork:
    """A fork and the way to tell of it; None: nobody wants to know any more."""

    pid: int
    channel: socket.socket | None
    over: bool = False


class Server:
    """Forks, and tells what becomes of the forks."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._forks: dict[int, Fork] = {}
        self._asked = 0
        self._waking, waker = os.pipe()
        os.set_blocking(waker, False)
        self._waker = waker
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(waker)
        # Not epoll: a fork's copy of it would share its list.
        self._watched = selectors.PollSelector()
        self._watched.register(control, selectors.EVENT_READ)
        self._watched.register(self._waking, selectors.EVENT_READ)

    def serve(self) -> None:
        """Serve until nobody is there to ask; returns in each fork, and only there."""
        while True:
            for key, _ in self._watched.select():
                if key.fileobj is self._control:
                    if self._fork():
                        return
                elif key.fileobj == self._waking:
                    os.read(self._waking, 4096)
                else:
                    self._release(key.data)
            for fork in [*self._forks.values()]:
                self._look(fork)

    def _fork(self) -> bool:
        """Make the fork that was asked for; whether this is it."""
        asked, ends, _, _ = socket.recv_fds(self._control, 1, STREAMS + 1)
        if not asked:
            os._exit(0)
        *streams, channel = ends
        self._asked += 1
        if self._asked == 2:
            # The first one imports for itself: there may be no second one, and
            # a file of functions can do without.
            warm_up()
        pid = os.fork()
        if pid == 0:
            self._leave()
            become(streams, channel)
            return True
        for stream in streams:
            os.close(stream)
        fork = self._forks[pid] = Fork(pid, socket.socket(fileno=channel))
        self._watched.register(channel, selectors.EVENT_READ, fork)
        tell(fork, pid)
        return False

    def _leave(self) -> None:
        """Let go of all that is the server's; this is a fork of it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._watched.close()
        os.close(self._waking)
        os.close(self._waker)
        for fork in self._forks.values():
            if fork.channel is not None:
                fork.channel.close()
        self._control.detach()  # standard input takes its place

    def _look(self, fork: Fork) -> None:
        """Tell the end of a fork, if it has come."""
        if not fork.over:
            # It is not reaped yet.
            end = os.waitid(os.P_PID, fork.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if end is None:
                return
            fork.over = True
            exited = end.si_code == os.CLD_EXITED
            tell(fork, end.si_status if exited else -end.si_status)
        if fork.channel is None:
            os.waitpid(fork.pid, 0)
            del self._forks[fork.pid]

    def _release(self, fork: Fork) -> None:
        """Forget a fork of which nobody wants to know any more, when it has ended."""
        if fork.channel is None:
            return
        self._watched.unregister(fork.channel)
        channel, fork.channel = fork.channel, None
        self._look(fork)
        channel.close()  # whoever waits for this finds it reaped


def warm_up() -> None:
    """Import what an app needs."""
    for name in child.WARM:
        with suppress(ImportError):  # the fork will say it
            importlib.import_module(name)
    gc.freeze()  # or each fork would write to, and so copy, all that is here


def tell(fork: Fork, number: int) -> None:
    """Tell a number, if somebody wants to know."""
    with suppress(OSError):
        if fork.channel is not None:
            fork.channel.send(NUMBER.pack(number))


def become(streams: list[int], channel: int) -> None:
    """Be a process with these standard streams and a session of its own."""
    os.close(channel)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.setsid()
