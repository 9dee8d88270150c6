"""The link to a broker: what it counts, what it can do to an app, whom it keeps apart.

All of it on every engine that is here, and on one that others use.
"""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest
import redis.exceptions
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from tests.waiting import wait_until
from workbook import link as link_module
from workbook.broker import Broker, engines
from workbook.link import (
    Link,
    Replies,
    Requests,
    asked_in_words,
    encode,
    told_in_words,
)

DEADLINE = 30.0

ENGINES = {engine.word for engine in engines(None)}


@pytest.fixture(scope="module", params=[*sorted(ENGINES), "of others"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Each private engine, and the best of them as if it belonged to others."""
    word = request.param if request.param in ENGINES else ""
    with Broker(private=True, env={"WORKBOOK_REDIS": word}) as private:
        if word:
            yield private
        else:
            with Broker(env={"REDIS_URL": private.url}) as other:
                yield other


@pytest.fixture
def link(broker: Broker) -> Iterator[Link]:
    with Link(broker) as link:
        yield link


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def protocol(request: pytest.FixtureRequest) -> int:
    """The version of Redis's protocol that an app speaks."""
    return request.param


Connect = Callable[..., "Redis"]


@pytest.fixture
def connect(link: Link, protocol: int) -> Iterator[Connect]:
    """Connects as an app does, and gives up at once."""
    with ExitStack() as ends:

        def connect(**options: float) -> Redis:
            how = {"socket_timeout": DEADLINE, **options}
            app = Redis.from_url(
                link.url, protocol=protocol, decode_responses=True, **how
            )
            return ends.enter_context(app)

        yield connect


@contextmanager
def published_in_vain(link: Link, text: str) -> Iterator[None]:
    """Publish on a connection of its own; the link has it, and nothing comes back."""
    told = ("PUBLISH", "chat", text)
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        app.sendall(encode([word.encode() for word in told]))
        assert link.until(lambda it: told in it.commands(), DEADLINE)
        app.settimeout(0.1)
        with pytest.raises(TimeoutError):
            app.recv(1)
        yield


def subscribed(app: Redis, *channels: str) -> PubSub:
    """A subscription that Redis has confirmed."""
    hearer = app.pubsub()
    hearer.subscribe(*channels)
    for channel in channels:
        confirmed = hearer.get_message(timeout=DEADLINE)
        assert confirmed is not None
        assert (confirmed["type"], confirmed["channel"]) == ("subscribe", channel)
    return hearer


def heard(hearer: PubSub) -> tuple[str, str]:
    """The channel and the text that come next."""
    message = hearer.get_message(timeout=DEADLINE)
    assert message is not None
    return message["channel"], message["data"]


# What is seen


def test_an_app_talks_through_it_as_if_it_were_redis(connect: Connect) -> None:
    app = connect()
    with subscribed(app, "chat") as hearer:
        counts = [app.publish("chat", text) for text in ("hello", "", "é\r\n$5\r\n")]
        assert [heard(hearer)[1] for _ in range(3)] == ["hello", "", "é\r\n$5\r\n"]

    assert counts == [1, 1, 1]


def test_a_message_bigger_than_a_chunk_gets_through(connect: Connect) -> None:
    text = "x" * 300_000
    app = connect()
    with subscribed(app, "chat") as hearer:
        app.publish("chat", text)

        assert heard(hearer) == ("chat", text)


def test_it_counts_connections_subscriptions_and_commands(
    link: Link, connect: Connect
) -> None:
    app, other = connect(), connect()
    with subscribed(app, "chat", "news") as one, subscribed(other, "chat"):
        app.publish("chat", "hello")
        both = link.subscriptions()
        one.unsubscribe("chat")
        assert link.until(lambda link: link.subscriptions()["chat"] == 1, DEADLINE)

        assert both == {"chat": 2, "news": 1}
        assert link.connections() == 3
        assert link.commands("PUBLISH") == [("PUBLISH", "chat", "hello")]
        assert link.commands("SUBSCRIBE") == [
            ("SUBSCRIBE", "chat", "news"),
            ("SUBSCRIBE", "chat"),
        ]
        link.forget()
        assert link.commands() == []
    app.close()
    assert link.until(lambda link: link.connections() == 0, DEADLINE)
    assert link.subscriptions() == {}
    assert link.accepted == 3


def test_a_subscription_counts_when_redis_has_confirmed_it(
    link: Link, connect: Connect
) -> None:
    with subscribed(connect(), "news") as hearer:
        link.pause()
        hearer.subscribe("chat")
        assert link.until(lambda link: len(link.commands("SUBSCRIBE")) == 2, DEADLINE)
        before = link.subscriptions()
        link.resume()

        assert before == {"news": 1}
        assert link.until(lambda link: "chat" in link.subscriptions(), DEADLINE)


def test_patterns_work_and_are_counted(link: Link, connect: Connect) -> None:
    app = connect()
    with app.pubsub() as hearer:
        hearer.psubscribe("room:*")
        assert hearer.get_message(timeout=DEADLINE) is not None
        app.publish("room:blue", "hello")
        message = hearer.get_message(timeout=DEADLINE)

        assert message is not None
        assert (message["pattern"], message["channel"]) == ("room:*", "room:blue")
        assert link.subscriptions() == {"room:*": 1}


def test_waiting_for_what_never_comes_ends(link: Link) -> None:
    begun = time.monotonic()

    assert not link.until(lambda link: link.connections() == 1, 0.05)
    assert 0.05 <= time.monotonic() - begun < DEADLINE


def test_it_names_what_redis_has_not_answered(link: Link, connect: Connect) -> None:
    before = time.monotonic()
    connect().ping()
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        app.sendall(encode([b"blpop", b"never", b"0"]) + encode([b"GET", b"name"]))
        assert link.until(lambda it: bool(it.commands("GET")), DEADLINE)

        assert link.until(lambda it: it.unanswered() is not None, DEADLINE)
        name, seconds = link.unanswered() or ("", -1.0)

        link.pause()
        assert link.unanswered() is None  # for this it is the link that is to blame
        link.resume()
    assert link.until(lambda it: it.unanswered() is None, DEADLINE)
    assert name == "BLPOP"
    assert 0 <= seconds <= time.monotonic() - before


def test_a_message_can_come_from_outside_also_while_the_link_is_dead(
    link: Link, connect: Connect
) -> None:
    with subscribed(connect(), "chat") as hearer:
        assert link.publish("chat", "hello") == 1
        assert heard(hearer) == ("chat", "hello")
        link.kill()

        # The broker hears of it a moment later.
        deadline = time.monotonic() + DEADLINE
        while link.publish("chat", "hello") != 0:
            assert time.monotonic() < deadline


# Whom it keeps apart


def test_two_links_to_one_shared_redis_do_not_hear_each_other(
    broker: Broker, protocol: int
) -> None:
    with (
        Link(broker, apart=True) as one,
        Link(broker, apart=True) as two,
        Redis.from_url(one.url, protocol=protocol, decode_responses=True) as app,
        subscribed(app, "chat") as hearer,
    ):
        assert two.publish("chat", "not for you") == 0
        assert app.publish("chat", "for you") == 1
        assert heard(hearer) == ("chat", "for you")
        assert app.pubsub_channels() == ["chat"]
        assert app.pubsub_numsub("chat") == [("chat", 1)]


def test_links_are_apart_where_others_use_the_redis(link: Link) -> None:
    assert bool(link.prefix) is not link.broker.private


@pytest.mark.parametrize(
    "command", [["FLUSHALL"], ["flushdb"], ["CLIENT", "KILL", "TYPE", "pubsub"]]
)
def test_what_would_harm_others_is_refused_in_its_turn(
    command: list[str], link: Link, connect: Connect
) -> None:
    app = connect()
    app.set("name", "ana")
    with app.pipeline(transaction=False) as asked:
        asked.get("name").execute_command(*command).get("name")
        before, refusal, after = asked.execute(raise_on_error=False)

    assert (before, after) == ("ana", "ana")
    assert "forbidden here: others may use this Redis" in str(refusal)


def test_lines_typed_by_hand_are_commands_too(link: Link) -> None:
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        app.sendall(b"PING\r\nflushall\r\n")
        with app.makefile("rb") as said:
            assert said.readline() == b"+PONG\r\n"
            assert said.readline().startswith(b"-ERR forbidden")


def test_what_is_no_command_ends_the_connection(link: Link) -> None:
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        app.sendall(b"*x\r\n")
        with app.makefile("rb") as said:
            assert said.read() == b""


def test_a_thousand_connections_are_refused_as_redis_would(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "MOST", 3)
    with ExitStack() as ends:
        for count in (1, 2, 3):
            ends.enter_context(socket.create_connection(("127.0.0.1", link.port)))
            assert link.until(lambda link, n=count: link.connections() == n, DEADLINE)
        with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as last:
            said = last.makefile("rb").read()

        assert said == b"-ERR max number of clients reached\r\n"
        assert (link.connections(), link.refused) == (3, 1)


def test_those_who_come_in_one_instant_are_counted_too(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    straight = link._open

    async def slowly() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await asyncio.to_thread(go_on.wait, DEADLINE)
        return await straight()

    monkeypatch.setattr(link, "_open", slowly)
    monkeypatch.setattr(link_module, "MOST", 3)
    with ExitStack() as ends:
        for _ in range(3):
            ends.enter_context(socket.create_connection(("127.0.0.1", link.port)))
        with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as last:
            said = last.makefile("rb").read()
        go_on.set()

        assert said == b"-ERR max number of clients reached\r\n"
        assert link.until(lambda link: link.connections() == 3, DEADLINE)


def test_scripts_are_for_those_who_have_a_redis_of_their_own(
    link: Link, connect: Connect
) -> None:
    said = connect().pipeline(transaction=False).eval("return 1", 0)
    (found,) = said.execute(raise_on_error=False)

    assert ("forbidden here" in str(found)) is not link.broker.private


def test_a_link_finds_a_private_redis_empty_unless_another_uses_it(
    broker: Broker,
) -> None:
    def hears_of(afresh: bool) -> object:
        with (
            Link(broker, afresh=afresh) as link,
            Redis.from_url(link.url, decode_responses=True) as app,
        ):
            return app.get("said")

    with Link(broker) as link, Redis.from_url(link.url) as app:
        app.set("said", "hello")
        while_used = hears_of(True)

    assert (while_used, hears_of(False)) == ("hello", "hello")
    assert hears_of(True) == (None if broker.private else "hello")


# What can go wrong


def test_a_script_without_an_end_costs_a_private_redis_its_life() -> None:
    with Broker(private=True) as broker:
        with Link(broker) as link:
            with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
                app.sendall(encode([b"EVAL", b"while true do end", b"0"]))
                assert link.until(lambda it: bool(it.commands("EVAL")), DEADLINE)
            if "fakeredis" in broker.name:  # which has no scripts
                return
            assert link.until(lambda it: it.connections() == 0, DEADLINE)

        assert not broker.is_up()
        broker.start()
        assert broker.publish("chat", "hello") == 0


def test_killed_it_ends_connections_and_refuses_new_ones_until_started(
    link: Link, connect: Connect
) -> None:
    app = connect()
    with subscribed(app, "chat") as hearer:
        link.kill()
        with pytest.raises(redis.exceptions.ConnectionError):
            hearer.get_message(timeout=DEADLINE)
        with pytest.raises(redis.exceptions.ConnectionError):
            app.publish("chat", "hello")
        assert (link.connections(), link.subscriptions()) == (0, {})

        link.start()
        # Nobody has subscribed again. That the hearer has gone, a broker sees later.
        wait_until(lambda: app.publish("chat", "hello") == 0, "nobody subscribes")


def test_killed_it_lets_none_in_that_is_on_its_way(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming, go_on = threading.Event(), threading.Event()
    straight = link._open

    async def slowly() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        coming.set()
        await asyncio.to_thread(go_on.wait, DEADLINE)
        return await straight()

    monkeypatch.setattr(link, "_open", slowly)
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        assert coming.wait(DEADLINE)
        link.kill()
        go_on.set()

        with app.makefile("rb") as said:
            assert said.read() == b""
    assert link.connections() == link.accepted == 0


def test_subscribers_alone_are_dropped(link: Link, connect: Connect) -> None:
    app = connect()
    app.ping()
    with subscribed(connect(), "chat") as hearer:
        assert link.drop_subscribers() == 1

        assert (link.subscriptions(), link.connections()) == ({}, 1)
        assert app.ping()
        assert link.accepted == 2
        with pytest.raises(redis.exceptions.ConnectionError):
            hearer.get_message(timeout=DEADLINE)


def test_paused_it_answers_nothing_and_loses_nothing(
    link: Link, connect: Connect
) -> None:
    with subscribed(connect(), "chat") as hearer:
        link.pause()
        with published_in_vain(link, "late"):
            assert hearer.get_message(timeout=0) is None
            link.resume()

            assert heard(hearer) == ("chat", "late")


def test_it_may_hold_subscriptions_alone(link: Link, connect: Connect) -> None:
    app = connect()
    link.hold_subscriptions()
    hearer = app.pubsub()
    hearer.subscribe("chat")

    assert link.until(lambda it: bool(it.commands("SUBSCRIBE")), DEADLINE)
    assert app.ping()
    assert link.subscriptions() == {}
    link.resume()
    assert link.until(lambda it: it.subscriptions() == {"chat": 1}, DEADLINE)
    hearer.close()


def test_what_it_swallows_is_lost_in_both_directions(
    link: Link, connect: Connect
) -> None:
    app = connect()
    with subscribed(app, "chat") as hearer:
        link.swallow()
        with published_in_vain(link, "lost on its way there"):
            pass
        assert link.publish("chat", "lost on its way back") == 1
        assert link.until(lambda link: link.swallowed == 2, DEADLINE)
        link.deliver()
        app.publish("chat", "found")

        assert heard(hearer) == ("chat", "found")
        assert link.connections() >= 1


def test_a_lost_reply_hides_that_it_was_done(link: Link, connect: Connect) -> None:
    app = connect()
    with subscribed(app, "chat") as hearer:
        link.lose_replies(1, to="PUBLISH")
        app.ping()
        with pytest.raises(redis.exceptions.ConnectionError):
            app.publish("chat", "hello")
        app.publish("chat", "hello")

        assert [heard(hearer)[1] for _ in range(2)] == ["hello", "hello"]


def test_a_client_that_tries_again_doubles_what_it_sent(link: Link) -> None:
    again = Retry(NoBackoff(), 3)
    with (
        Redis.from_url(link.url, retry=again, decode_responses=True) as app,
        subscribed(app, "chat") as hearer,
    ):
        link.lose_replies(2)
        app.publish("chat", "hello")

        assert [heard(hearer)[1] for _ in range(3)] == ["hello"] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no port can be held")
def test_while_it_refuses_its_port_is_kept_for_it(link: Link, connect: Connect) -> None:
    link.kill()

    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", link.port))
    link.start()

    assert connect().ping()


def test_cut_connections_are_reset_and_new_ones_are_welcome(
    link: Link, connect: Connect
) -> None:
    with socket.create_connection(("127.0.0.1", link.port), DEADLINE) as app:
        assert link.until(lambda link: link.connections() == 1, DEADLINE)

        link.cut()

        with pytest.raises(ConnectionResetError):
            app.recv(1)
    assert connect().ping()


def test_it_refuses_new_connections_alone(link: Link, connect: Connect) -> None:
    app = connect()
    app.ping()

    link.refuse()

    assert app.ping()
    with pytest.raises(redis.exceptions.ConnectionError):
        connect().ping()
    link.allow()
    assert connect().ping()


def test_healed_it_is_as_new(link: Link, connect: Connect) -> None:
    app = connect()
    app.ping()
    link.pause()
    link.swallow()
    link.lose_replies()
    link.kill()

    link.heal()

    assert link.commands() == []
    assert app.publish("chat", "hello") == 0


def test_closed_it_is_gone(broker: Broker) -> None:
    link = Link(broker)
    with Redis.from_url(link.url) as app:
        app.ping()
        link.close()
        link.close()

        with pytest.raises(redis.exceptions.ConnectionError):
            app.ping()


# What an app must know


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://10.0.0.7", "redis://127.0.0.1:{}"),
        ("redis://10.0.0.7:7000/2", "redis://127.0.0.1:{}/2"),
        ("rediss://ana:s%40fe@redis.example:7000", "redis://ana:s%40fe@127.0.0.1:{}"),
        ("unix://:safe@/run/redis.sock?db=2", "redis://:safe@127.0.0.1:{}?db=2"),
    ],
)
def test_the_url_keeps_all_but_the_place(url: str, told: str) -> None:
    class Elsewhere(Broker):
        def __init__(self) -> None:
            self.url, self.private = url, False

    with Link(Elsewhere()) as link:
        assert link.url == told.format(link.port)


def test_a_redis_behind_tls_is_connected_to_by_tls(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, bool | None]] = []

    async def note(host: str, port: int, *, ssl: bool | None) -> None:
        asked.append((host, port, ssl))
        raise ConnectionRefusedError

    monkeypatch.setattr("asyncio.open_connection", note)
    for scheme in ("redis", "rediss"):
        monkeypatch.setattr(link, "_there", urlsplit(f"{scheme}://there:6380"))
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(link._open())

    assert asked == [("there", 6380, None), ("there", 6380, True)]


# The protocol, however it is cut

ENDLESS = b"*999999999\r\n$-7\r\n"
"""After its word of -7 bytes, the next one would begin where this one did."""

NESTED = (
    b"%2\r\n+a\r\n*2\r\n:1\r\n$-1\r\n$3\r\nb\r\n\r\n|1\r\n+ttl\r\n:3\r\n_\r\n"
    b"*-1\r\n>3\r\n$7\r\nmessage\r\n$4\r\nchat\r\n$0\r\n\r\n*0\r\n-ERR no\r\n"
)


def repr_of(data: bytes) -> str:
    return repr(data[:24])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_replies_are_whole_however_they_are_cut(size: int) -> None:
    replies = Replies()

    found = [
        [bulk or line for line, bulk in parts]
        for at in range(0, len(NESTED), size)
        for parts in replies.feed(NESTED[at : at + size])
    ]

    assert [len(parts) for parts in found] == [10, 1, 4, 1, 1]
    assert found[2] == [b">3", b"message", b"chat", b"$0"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_commands_are_whole_however_they_are_cut(size: int) -> None:
    data = b"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\nPING now\r\n\r\n*1\r\n$4\r\nQUIT\r\n"
    requests = Requests()

    found = [
        words
        for at in range(0, len(data), size)
        for words in requests.feed(data[at : at + size])
    ]

    assert found == [[b"ECHO", b"\r\n\r\n"], [b"PING", b"now"], [b"QUIT"]]


@pytest.mark.parametrize(
    "data",
    [
        ENDLESS,
        b"*1\r\n$-1\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n$ 4\r\nPING\r\n",
        b"*1\r\n:4\r\nPING\r\n",
        b"*1_0\r\n",
        b"*1048577\r\n",
        b"*1\r\n$8388609\r\n",
        b"*2\r\n$8388608\r\n" + bytes(8388608) + b"\r\n$1\r\n",
    ],
    ids=repr_of,
)
def test_what_no_redis_would_take_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(ValueError, match="neither a size nor a count"):
        list(Requests().feed(data))


def test_a_command_of_no_words_is_none() -> None:
    assert list(Requests().feed(b"*0\r\n*-1\r\n\r\nPING\r\n")) == [[b"PING"]]


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ([b"message", b"chat", b"hello"], 'chat "hello"'),
        ([b"pmessage", b"c*", b"chat", b"hello"], 'chat "hello"'),
        ([b"subscribe", b"chat"], "subscribed to chat"),
        ([b"psubscribe", b"c*"], "subscribed to c*"),
        ([b"ssubscribe", b"chat"], "subscribed to chat"),
        ([b"unsubscribe", b"chat"], "unsubscribed from chat"),
        ([b"invalidate"], "invalidate"),
        ([], ""),
    ],
)
def test_what_redis_tells_is_told_in_few_words(news: list[bytes], told: str) -> None:
    assert told_in_words(news) == told


def test_a_command_is_told_in_few_words() -> None:
    assert asked_in_words([b"publish", b"chat", b"hello"]) == 'PUBLISH chat "hello"'
    assert asked_in_words([b"SUBSCRIBE", b"a", b"b"]) == "SUBSCRIBE a b"
    assert asked_in_words([b"PUBLISH"]) == "PUBLISH"
