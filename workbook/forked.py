"""Processes that a fork server makes, so that each of them starts in no time.

`forkserver.py` is the other end. Only on Linux: Windows cannot fork, and on macOS
the system's libraries may crash in a fork of a process that has used them
(docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods).
"""

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from json import dumps
from typing import IO

import psutil

from workbook import descendants
from workbook.child import MARK
from workbook.course import ROOT
from workbook.forkserver import NUMBER

IS_POSSIBLE = sys.platform == "linux"

PATIENCE = 10.0
"""Seconds that the server may take to answer. Generous: what takes it longest, to
import, takes less than one."""

PYTHON = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
"""The environment variables by which Python runs what holds a learner's file."""

NOBODY = "0" * 32
"""The server's own mark: as long as those that its forks write in its place."""


def run_main(module: str) -> list[str]:
    """The command that runs `main` of one of the workbook's modules.

    The workbook's folder comes last, or a redis.py there would be taken for redis.
    """
    program = f"import sys; sys.path.append({str(ROOT)!r})"
    program += f"; from workbook.{module} import main; main()"
    return [sys.executable, "-P", "-c", program]


class Server:
    """The process that forks; it ends with this one."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._popen = subprocess.Popen(
                run_main("forkserver"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **PYTHON, MARK: NOBODY},
                cwd=ROOT,
                start_new_session=True,
            )
        atexit.register(self.end)

    def ask(self, *ends: int) -> None:
        """Ask for a fork that has these file descriptors.

        Raises:
            OSError: the server has died.
        """
        socket.send_fds(self._control, [b"f"], ends)

    def end(self) -> None:
        """End it; its forks go on until their standard input ends."""
        atexit.unregister(self.end)
        with self._control, suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it by force: it does not answer."""
        self._popen.kill()
        self._popen.wait()


class Forked:
    """A fork of the server, to be used like a `subprocess.Popen`.

    Until it is released its number means no other process, also when it has ended.

    Args:
        server: who forks.
        env: the fork's environment.

    Raises:
        OSError: the server has died.
    """

    def __init__(self, server: Server, env: Mapping[str, str]) -> None:
        self.returncode: int | None = None
        self._server = server
        self._process: psutil.Process | None = None
        self._born = 0.0
        self._numbered, self._ended = threading.Event(), threading.Event()
        self._channel, channel = socket.socketpair()
        stdin, to_stdin = os.pipe()
        from_stdout, stdout = os.pipe()
        from_stderr, stderr = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(to_stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(from_stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(from_stderr, "rb")
        try:
            server.ask(stdin, stdout, stderr, channel.fileno())
        except OSError:
            for mine in (self._channel, self.stdin, self.stdout, self.stderr):
                mine.close()
            raise
        finally:
            channel.close()
            for end in (stdin, stdout, stderr):
                os.close(end)
        threading.Thread(target=self._listen, daemon=True).start()
        with suppress(OSError):  # the server has died since: the status will tell
            self.stdin.write(dumps(dict(env)).encode() + b"\n")
            self.stdin.flush()

    def _listen(self) -> None:
        """Hear what the server tells: the number, then the exit status."""
        if told := self._channel.recv(NUMBER.size):
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(*NUMBER.unpack(told))
                self._born = process.create_time()
                self._process = process
        self._numbered.set()
        if told := self._channel.recv(NUMBER.size):
            (self.returncode,) = NUMBER.unpack(told)
        else:
            self._lose()
        self._ended.set()

    def _lose(self) -> None:
        """The server has died, and nobody can tell the fork's end: make it one."""
        if self._process is not None:
            with suppress(psutil.NoSuchProcess):
                self._process.kill()  # looks whether the number still means it
            while descendants.is_alive(self._process):
                time.sleep(0.001)  # it is no child of ours: nobody tells us
        self.returncode = -signal.SIGKILL

    @property
    def pid(self) -> int:
        """Its number.

        Raises:
            ProcessLookupError: it never came to be, as the server has died.
        """
        if not self._numbered.wait(PATIENCE):
            self._server.kill()
            self._numbered.wait()
        if self._process is None:
            raise ProcessLookupError("the fork server has died")
        return self._process.pid

    @property
    def born(self) -> float:
        """When it was forked, as psutil says it: seconds since the epoch."""
        assert self.pid
        return self._born

    def poll(self) -> int | None:
        """Its exit status; negative for a signal; None while it lives."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Args:
            timeout: in seconds. None: it has been killed, and the end is near.

        Returns:
            The exit status, negative for a signal.

        Raises:
            subprocess.TimeoutExpired: it still lives.
        """
        if not self._ended.wait(PATIENCE if timeout is None else timeout):
            if timeout is not None:
                raise subprocess.TimeoutExpired("a fork", timeout)
            self._server.kill()
            self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        """Send SIGTERM, if it still lives."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, if it still lives."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.returncode is None:
                os.kill(self.pid, number)

    def release(self) -> None:
        """Let its number be used again. It has ended."""
        with self._channel, suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
            self._channel.settimeout(PATIENCE)
            self._channel.recv(1)  # nothing: the server closes it behind the fork


_asking = threading.Lock()
_server: Server | None = None


def fork(env: Mapping[str, str]) -> Forked:
    """A new process that does as `child.main` says; it can be given its job at once.

    Args:
        env: its environment.
    """
    global _server
    with _asking:
        if _server is not None:
            with suppress(OSError):
                return Forked(_server, env)
            _server.end()  # it has died
        _server = Server()
        return Forked(_server, env)
