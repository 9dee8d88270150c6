"""The way from an app to its broker, which can misbehave on demand.

A relay in a thread. It sees what the app asks for, so that a check can count; it can
be cut, refused, held up and made to lose, whatever Redis stands behind it; and it
keeps those who share a Redis from hearing each other, by a prefix to their channels.
"""

import asyncio
import socket
import struct
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from redis import RedisError

from workbook.broker import HOST, Broker, hold_port
from workbook.wire import Direction

MOST = 100
"""Connections that an app may hold; Redis itself would refuse them at 10,000."""

KEPT = 20_000
"""Commands that are kept to be counted, the last ones."""

CLIPPED = 1_000
"""Bytes that are kept of each word of a command."""

CHUNK = 1 << 16

BIGGEST = 8 << 20
"""Bytes that one command or reply may have: 8 MiB."""

DONE = 30.0
"""Seconds that a change of the link may take. It takes a millisecond; the machine may
stand still."""

SUBSCRIBING = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}
UNSUBSCRIBING = {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}
ABOUT_CHANNELS = SUBSCRIBING | UNSUBSCRIBING
"""Commands whose words are all channels, and whose answers come as news do."""

JOINED = {b"subscribe", b"psubscribe", b"ssubscribe"}
LEFT = {b"unsubscribe", b"punsubscribe", b"sunsubscribe"}
NEWS = JOINED | LEFT | {b"message", b"pmessage", b"smessage"}
"""First words of what Redis sends unasked."""

HARMFUL = {
    *("ACL", "CONFIG", "DEBUG", "FAILOVER", "FLUSHALL", "FLUSHDB", "MIGRATE"),
    *("MODULE", "MONITOR", "REPLICAOF", "SHUTDOWN", "SLAVEOF", "SWAPDB"),
    *("CLIENT KILL", "CLIENT PAUSE"),
}
"""Commands that would harm others who use the same Redis. No exercise needs one."""

SCRIPTS = {"EVAL", "EVALSHA", "FCALL"}
"""Commands that may do all that. Those who share a Redis are kept from them; a private
one that has been given a script without an end is killed."""

FORBIDDEN = "FORBIDDEN"
REFUSAL = b"-ERR forbidden here: others may use this Redis"

MOST_WORDS = 1 << 20

FULL = b"-ERR max number of clients reached\r\n"

Command = tuple[str, ...]
Part = tuple[bytes, bytes | None]
"""A line of a reply, and the bytes that it announces."""


class Requests:
    """The commands in what an app sends: arrays of bulk strings, or lines of words."""

    def __init__(self) -> None:
        self._left = b""
        self._words: list[bytes] = []
        self._held = 0  # bytes of these words
        self._missing = 0  # words until the command is whole

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The commands that are complete now.

        Raises:
            ValueError: this is not what Redis speaks.
        """
        self._left = grown(self._left, data)
        at = 0
        while (end := self._left.find(b"\r\n", at)) >= 0:
            line, at = self._left[at:end], end + 2
            if self._missing:
                size = announced(line, b"$", BIGGEST - self._held)
                if len(self._left) < at + size + 2:
                    at -= len(line) + 2  # again, when there is more
                    break
                self._words.append(self._left[at : at + size])
                self._missing -= 1
                self._held += size
                at += size + 2
            elif line.startswith(b"*"):
                # Redis takes less than none for none.
                self._missing = 0 if line[1:2] == b"-" else announced(line, b"*")
            else:
                self._words = line.split()
            if self._words and not self._missing:
                yield self._words
                self._words, self._held = [], 0
        self._left = self._left[at:]


class Replies:
    """The replies and the news in what Redis sends, in both versions of its protocol.

    https://redis.io/docs/latest/develop/reference/protocol-spec/
    """

    def __init__(self) -> None:
        self._left = b""
        self._parts: list[Part] = []
        self._missing = 1  # parts until the reply is whole

    def feed(self, data: bytes) -> Iterator[list[Part]]:
        """The replies that are complete now, each as its parts."""
        self._left = grown(self._left, data)
        at = 0
        while (end := self._left.find(b"\r\n", at)) >= 0:
            line, bulk = self._left[at:end], None
            if line[:1] in b"$=!" and line[1:2] != b"-":
                size = announced(line, b"$=!", BIGGEST)
                if len(self._left) < end + 2 + size + 2:
                    break
                bulk = self._left[end + 2 : end + 2 + size]
                end += size + 2
            at = end + 2
            self._parts.append((line, bulk))
            self._missing += self._announced(line) - 1
            if self._missing == 0:
                yield self._parts
                self._parts, self._missing = [], 1
        self._left = self._left[at:]

    def _announced(self, line: bytes) -> int:
        """How many parts follow in this one's stead."""
        kind = line[:1]
        if kind not in b"*~>%|" or line[1:2] == b"-":
            return 0
        count = announced(line, b"*~>%|")
        return count if kind in b"*~>" else 2 * count + (kind == b"|")


GREETINGS = {"AUTH", "CLIENT", "COMMAND", "HELLO", "INFO", "PING", "SELECT"}
"""Commands that a client sends of itself, and that no drawing has room for."""


class Seen(NamedTuple):
    """One thing that went by, as a drawing tells it; the direction is the app's."""

    direction: Direction
    said: str
    port: int = 0  # of the connection, on the app's side
    lost: bool = False
    answers: bool | None = None  # whether Redis does from here on, if that changes


@dataclass(eq=False)
class Way:
    """One connection of an app, and ours to the broker on its behalf."""

    app: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    channels: set[str] = field(default_factory=set[str])
    listens: bool = False  # it has subscribed once
    asked: deque[str] = field(default_factory=deque[str])  # and not yet answered
    since: float = 0.0  # when the first of them became the first

    def abort(self, *, reset: bool) -> None:
        """End both connections without a goodbye."""
        sock: socket.socket = self.app.get_extra_info("socket")
        if reset:
            with suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for writer in (self.app, self.broker):
            writer.transport.abort()


_users: Counter[Broker] = Counter()
"""How many links lead to a broker."""

_counting = threading.Lock()


class Link:
    """A relay on 127.0.0.1 between an app and a broker. Use it in a `with`.

    Everything that goes wrong goes wrong here: the broker itself is not harmed, and
    the same check runs on a private server, on one that others use too, and on the
    stand-in.

    Args:
        broker: what stands behind it.
        apart: keep apart from others who use the broker: what the app calls `chat`
            has a longer name there. If nothing is said, where the broker is shared.
        afresh: find nothing that others have written to a private broker, unless
            they use it now.
    """

    def __init__(
        self, broker: Broker, *, apart: bool | None = None, afresh: bool = False
    ) -> None:
        self.broker = broker
        with _counting:
            if afresh and broker.private and not _users[broker]:
                broker.empty()
            _users[broker] += 1
        shared = not broker.private if apart is None else apart
        self.prefix = f"workbook-{uuid.uuid4().hex[:12]}:" if shared else ""
        self._there = urlsplit(broker.url)
        self.port, self._holder = hold_port()
        self._ways: set[Way] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._commands: deque[Command] = deque(maxlen=KEPT)
        self.accepted = 0  # connections so far
        self.refused = 0  # those that were one too many
        self.swallowed = 0  # commands, replies and messages
        self._swallows = False
        self._to_lose: Counter[str] = Counter()
        self._unanswered: set[str] = set()  # SCRIPTS for which nobody waits any more
        self._news = threading.Condition()
        self.tell: Callable[[Seen], object] = lambda seen: None
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flows = asyncio.Event()
        self._flows.set()
        self._subscribes = asyncio.Event()
        self._subscribes.set()
        self._do(self._listen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """What an app has to know as its REDIS_URL."""
        there = self._there
        who = f"{there.netloc.rpartition('@')[0]}@" if "@" in there.netloc else ""
        path = "" if there.scheme == "unix" else there.path
        query = f"?{there.query}" if there.query else ""
        return f"redis://{who}{HOST}:{self.port}{path}{query}"

    def close(self) -> None:
        """Cut all, and end the relay."""
        if self._loop.is_closed():
            return
        with _counting:
            _users[self.broker] -= 1
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DONE)
        self._loop.close()
        self._holder.close()
        if self._unanswered and self.broker.private and not self.broker.is_up():
            self.broker.kill()  # nothing but the script's end would set it free

    # What is seen

    def connections(self) -> int:
        """How many connections the app holds now."""
        with self._news:
            return len(self._ways)

    def subscriptions(self) -> dict[str, int]:
        """The channels and patterns that the app is subscribed to now, as Redis has
        confirmed it, each with how many connections are."""
        with self._news:
            return dict(Counter(name for way in self._ways for name in way.channels))

    def commands(self, name: str | None = None) -> list[Command]:
        """What the app has asked Redis for, such as ("PUBLISH", "chat", "hello").

        Args:
            name: of this command only, in capitals.
        """
        with self._news:
            return [words for words in self._commands if name in (None, words[0])]

    def unanswered(self) -> tuple[str, float] | None:
        """The command for whose answer Redis lets wait longest, and for how long.

        Returns:
            Its name in capitals, and seconds; None where Redis has answered all, or
            where it is this link that holds something up.
        """
        if not self._flows.is_set() or self._swallows:
            return None
        now = time.monotonic()
        waits: list[tuple[float, str]] = []
        with self._news:
            ways = [*self._ways]
        for way in ways:
            with suppress(IndexError):  # it may be answered just now
                waits.append((now - way.since, way.asked[0]))
        seconds, name = max(waits, default=(0.0, ""))
        return (name, seconds) if name else None

    def forget(self) -> None:
        """Forget the commands that have come, to count from here."""
        with self._news:
            self._commands.clear()

    def until(self, seen: Callable[[Self], bool], within: float) -> bool:
        """Wait until something is so, at most `within` seconds; whether it is.

        Args:
            seen: asked at once, and again whenever something has happened here.
            within: in seconds.
        """
        deadline = time.monotonic() + within
        with self._news:
            while not seen(self):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._news.wait(left)
            return True

    def take_turn(self) -> None:
        """Wait until the link has had a turn, and Redis, where it answers."""
        with suppress(RedisError):
            self.broker.client.ping()  # pyright: ignore
        self._do(lambda: None)

    def publish(self, channel: str, text: str) -> int:
        """Publish as another process would, on no link; how many heard it."""
        return self.broker.publish(f"{self.prefix}{channel}", text)

    # What can go wrong

    def kill(self) -> None:
        """As if Redis had been killed: connections end, new ones are refused."""
        self._befalls("Redis is killed", answers=False)
        self._do(self._refuse)
        self._do(self._abort, reset=False)

    def start(self) -> None:
        """As if Redis had been started again, knowing nothing of any subscription."""
        self.allow()

    def cut(self) -> None:
        """Reset all connections; new ones are welcome."""
        self._befalls("all connections are reset")
        self._do(self._abort, reset=True)

    def drop_subscribers(self) -> int:
        """End the connections that have subscriptions; how many that were.

        As by CLIENT KILL TYPE pubsub.
        """
        with self._news:
            ways = [way for way in self._ways if way.channels]
        self._befalls("who listens is cut off")
        self._do(self._abort, ways, reset=False)
        return len(ways)

    def refuse(self) -> None:
        """Refuse new connections; those there are go on."""
        self._befalls("nobody new is let in")
        self._do(self._refuse)

    def allow(self) -> None:
        """Accept connections again."""
        if self._listener is None:
            self._befalls("Redis is back", answers=True)
        self._do(self._listen)

    def pause(self) -> None:
        """As if Redis stood still: nothing is answered, nothing is lost."""
        self._befalls("Redis stands still", answers=False)
        self._do(self._flows.clear)

    def hold_subscriptions(self) -> None:
        """As if Redis were slow to confirm subscriptions, and quick at all else."""
        self._befalls("it confirms no subscription")
        self._do(self._subscribes.clear)

    def resume(self) -> None:
        """Let everything flow that has been held up, and what comes."""
        if not (self._flows.is_set() and self._subscribes.is_set()):
            self._befalls("Redis goes on", answers=True)
        self._do(self._subscribes.set)
        self._do(self._flows.set)

    def swallow(self) -> None:
        """Take what comes, from both sides, and hand on nothing of it."""
        self._befalls("all is lost from here on")
        self._swallows = True

    def deliver(self) -> None:
        """Hand on again what comes from now on."""
        if self._swallows:
            self._befalls("nothing is lost any more")
        self._swallows = False

    def lose_replies(self, count: int = 1, to: str = "PUBLISH") -> None:
        """Break a connection when Redis has done a command, before its reply.

        Args:
            count: how many times.
            to: the command, in capitals.
        """
        self._to_lose[to] = count

    def heal(self) -> None:
        """Undo every fault, and forget what came, for the next check."""
        self.deliver()
        self._to_lose.clear()
        self.resume()
        self.allow()
        self.forget()

    # In the thread

    def _do(self, what: Callable[..., object], *args: object, **options: bool) -> None:
        """Have it done in the thread, and wait until it is."""

        async def done() -> None:
            result = what(*args, **options)
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(DONE)

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    async def _listen(self) -> None:
        if self._listener is None:
            sock = socket.create_server((HOST, self.port), backlog=512)
            self._listener = await asyncio.start_server(self._relay, sock=sock)

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _abort(self, ways: list[Way] | None = None, *, reset: bool) -> None:
        found = [*self._ways] if ways is None else ways
        for way in found:
            way.abort(reset=reset)
        with self._news:
            # Now, not when its task gets to it: nobody counts the dead.
            self._ways.difference_update(found)
            self._news.notify_all()

    async def _close(self) -> None:
        await self._refuse()
        await self._abort(reset=False)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection of an app, from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # Not ways: of those that come in one instant, none has its way yet.
            if len(self._tasks) > MOST:
                self.refused += 1
                writer.write(FULL)
                return
            await self._connect(reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # either side has gone, or speaks something else
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        replies, broker = await self._open()
        way = Way(writer, broker)
        if self._listener is None:  # killed, while we were on our way
            way.abort(reset=False)
            return
        with self._news:
            self._ways.add(way)
            self.accepted += 1
            self._news.notify_all()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, way))
                tasks.create_task(self._answer(replies, way))
        except* (OSError, ValueError):
            pass
        finally:
            way.abort(reset=False)
            self._unanswered |= SCRIPTS.intersection(way.asked)
            with self._news:
                self._ways.discard(way)
                self._news.notify_all()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there = self._there
        if there.scheme == "unix":
            return await asyncio.open_unix_connection(unquote(there.path))
        secure = True if there.scheme == "rediss" else None
        host, port = there.hostname or "localhost", there.port or 6379
        return await asyncio.open_connection(host, port, ssl=secure)

    async def _ask(self, reader: asyncio.StreamReader, way: Way) -> None:
        """From the app to the broker."""
        requests = Requests()
        while data := await reader.read(CHUNK):
            for words in requests.feed(data):
                name = self._keep(words)
                if name not in GREETINGS:
                    self._show("out", asked_in_words(words), way, lost=self._swallows)
                await self._flows.wait()
                if self._is_swallowed():
                    continue
                if name in SUBSCRIBING:
                    await self._subscribes.wait()
                if not way.asked:
                    way.since = time.monotonic()
                if name in ABOUT_CHANNELS:
                    way.listens = True
                elif is_forbidden(words) or (self.prefix and name in SCRIPTS):
                    words = [b"PING"]  # whose reply is in its place
                    way.asked.append(FORBIDDEN)
                else:
                    way.asked.append(name)
                way.broker.write(encode(self._there_named(name, words)))
            await way.broker.drain()
        raise ConnectionResetError  # the app has hung up

    def _keep(self, words: list[bytes]) -> str:
        """Keep the command for a check; its name in capitals."""
        said = [word[:CLIPPED].decode("utf-8", "backslashreplace") for word in words]
        said[0] = said[0].upper()
        with self._news:
            self._commands.append(tuple(said))
            self._news.notify_all()
        return said[0]

    def _there_named(self, name: str, words: list[bytes]) -> list[bytes]:
        """The command with its channels as the broker knows them."""
        if not self.prefix:
            return words
        second = words[1].decode("ascii", "replace").upper() if words[1:] else ""
        first, last = channels_in(name, second)
        named = [self.prefix.encode() + word for word in words[first:last]]
        if second == "CHANNELS" and name == "PUBSUB" and not named:
            named = [self.prefix.encode() + b"*"]
        return [*words[:first], *named, *words[last:]]

    async def _answer(self, reader: asyncio.StreamReader, way: Way) -> None:
        """From the broker to the app."""
        replies = Replies()
        while data := await reader.read(CHUNK):
            out = bytearray()
            for parts in replies.feed(data):
                await self._flows.wait()
                named = [self._here_named(part) for part in parts]
                out += b"".join(map(written, self._handed_on(named, way)))
            way.app.write(out)
            await way.app.drain()
        raise ConnectionResetError  # the broker has hung up

    def _is_swallowed(self) -> bool:
        """Whether what has just come goes no further; counts it."""
        with self._news:
            self.swallowed += self._swallows
            self._news.notify_all()
        return self._swallows

    def _here_named(self, part: Part) -> Part:
        """A part of a reply with its channel as the app knows it."""
        prefix, bulk = self.prefix.encode(), part[1]
        if not prefix or bulk is None or not bulk.startswith(prefix):
            return part
        bulk = bulk.removeprefix(prefix)
        return b"%c%d" % (part[0][0], len(bulk)), bulk

    def _handed_on(self, parts: list[Part], way: Way) -> list[Part]:
        """What of this reply gets to the app: all, or nothing. Keeps what it says.

        Raises:
            ConnectionResetError: it is one to be lost.
        """
        said = [bulk for _, bulk in parts if bulk is not None]
        first = said[0] if said else b""
        kind = parts[0][0][:1]
        if kind == b">" or (kind == b"*" and way.listens and first in NEWS):
            lost = self._is_swallowed()
            self._show("in", told_in_words(said), way, lost=lost)
            if lost:
                return []
            self._note(first, said, way)
            return parts
        name = way.asked.popleft() if way.asked else ""
        way.since = time.monotonic()
        if self._to_lose[name] > 0:
            self._to_lose[name] -= 1
            self._show("in", f"the reply to {name}", way, lost=True)
            raise ConnectionResetError
        if name == FORBIDDEN:
            parts = [(REFUSAL, None)]
        return [] if self._is_swallowed() else parts

    def _befalls(self, said: str, *, answers: bool | None = None) -> None:
        self.tell(Seen("none", said, answers=answers))

    def _show(
        self, direction: Direction, said: str, way: Way, *, lost: bool = False
    ) -> None:
        name = way.app.get_extra_info("peername") or ("", 0)
        self.tell(Seen(direction, said, int(name[1]), lost))

    def _note(self, first: bytes, said: list[bytes], way: Way) -> None:
        """Keep a confirmation of Redis's."""
        channel = said[1].decode("utf-8", "backslashreplace") if said[1:] else ""
        if first in JOINED:
            way.channels.add(channel)
        elif first in LEFT:
            way.channels.discard(channel)
        if first in JOINED | LEFT:
            self._tell()


def words_of(words: list[bytes]) -> list[str]:
    """Words as a drawing shows them, each cut to what is kept of it."""
    return [word[:CLIPPED].decode("utf-8", "backslashreplace") for word in words]


def asked_in_words(words: list[bytes]) -> str:
    """A command in a few words: `PUBLISH chat "hello"`."""
    name, *rest = words_of(words)
    name = name.upper()
    if name in ("PUBLISH", "SPUBLISH") and len(rest) == 2:
        return f'{name} {rest[0]} "{rest[1]}"'
    return " ".join([name, *rest])


def told_in_words(news: list[bytes]) -> str:
    """What Redis tells unasked, in a few words: `chat "hello"`."""
    kind, *rest = words_of(news) or [""]
    match kind[kind.startswith(("p", "s")) and kind != "subscribe" :], rest:
        case "message", [*_, channel, text]:
            return f'{channel} "{text}"'
        case "subscribe", [channel, *_]:
            return f"subscribed to {channel}"
        case "unsubscribe", [channel, *_]:
            return f"unsubscribed from {channel}"
        case _:
            return " ".join([kind, *rest])


def is_forbidden(words: list[bytes]) -> bool:
    """Whether a command would harm others."""
    said = b" ".join(words[:2]).decode("ascii", "replace").upper()
    return said in HARMFUL or said.partition(" ")[0] in HARMFUL


def announced(line: bytes, kinds: bytes, most: int = MOST_WORDS) -> int:
    """The number in a line such as `$11`, by which a size or a count is announced.

    Raises:
        ValueError: it is no number, it is more than `most`, or the line is of no such
            kind.
    """
    number = line[1:]
    if line[:1] not in kinds or not number.isdigit() or int(number) > most:
        raise ValueError(f"neither a size nor a count: {line[:CLIPPED]!r}")
    return int(number)


def grown(left: bytes, data: bytes) -> bytes:
    """What was left, and what has come since.

    Raises:
        ValueError: it is too much for one command or reply.
    """
    if len(left) > BIGGEST:
        raise ValueError("too big")
    return left + data


def channels_in(name: str, second: str) -> tuple[int, int]:
    """Between which of a command's words the names of channels are."""
    if name in ABOUT_CHANNELS:
        return 1, MOST_WORDS
    if name in ("PUBLISH", "SPUBLISH"):
        return 1, 2
    if name == "PUBSUB" and second in ("CHANNELS", "NUMSUB"):
        return 2, MOST_WORDS
    return MOST_WORDS, MOST_WORDS


def encode(words: list[bytes]) -> bytes:
    """A command as Redis reads it."""
    bulks = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join([b"*%d\r\n" % len(words), *bulks])


def written(part: Part) -> bytes:
    """A part of a reply as it was."""
    line, bulk = part
    return line + b"\r\n" if bulk is None else b"%s\r\n%s\r\n" % (line, bulk)
