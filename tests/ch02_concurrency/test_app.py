"""Chapter 2's app keeps time, whatever its clients say and however they leave.

After each test the fixtures look whether every handler and every task has ended, none
by an exception, the log shows no traceback, and the next client is answered.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import httpx
import pytest
from starlette.types import Message

from chapters.ch02_concurrency import app as chapter
from tests.ch01_echo.raw import (
    BINARY,
    CLOSE,
    TEXT,
    Frame,
    RawClient,
    close,
    frame,
)
from tests.ch02_concurrency.conftest import APP, SHORT
from tests.conftest import Promise
from tests.waiting import DEADLINE, wait_until
from workbook.client import Client
from workbook.server import Server

pytestmark = pytest.mark.xdist_group("ch02 app")  # one server for nearly all of them

MIB = 1 << 20
LIMIT = 16 * MIB
"""uvicorn's default for `ws_max_size`, in bytes."""

SOON = 0.5
"""Seconds within which everything of a connection must have ended."""


def time_of(tick: str | bytes) -> datetime:
    assert isinstance(tick, str)
    assert tick.startswith("It is: ")
    return datetime.fromisoformat(tick.removeprefix("It is: "))


def say_goodbye(ana: RawClient) -> None:
    with ana:
        ana.send(close(1000))
        assert list(ana.receive_all())[-1] == Frame(CLOSE, b"\x03\xe8")


def vanish(ana: RawClient) -> None:
    ana.reset()


WAYS = pytest.mark.parametrize("leave", [say_goodbye, vanish])


# Two at once


def test_texts_are_answered_at_once_and_in_order(server: Server) -> None:
    texts = [f"message {number}" for number in range(200)]

    with server.connect("ana") as ana:
        for text in texts:
            ana.send(text)
        for text in texts:
            ana.expect(f"Message text was: {text}")


def test_the_time_comes_unasked_and_in_utc(ticking: Server) -> None:
    with ticking.connect("ana") as ana:
        times = [time_of(ana.receive()) for _ in range(5)]

    assert times == sorted(set(times))
    assert {each.utcoffset() for each in times} == {timedelta(0)}
    assert abs(datetime.now(UTC) - times[-1]) < timedelta(seconds=10)


def test_ticks_do_not_come_before_their_time(ticking: Server) -> None:
    began = datetime.now(UTC)
    with ticking.connect("ana") as ana:
        times = [time_of(ana.receive()) for _ in range(20)]

    for number, each in enumerate(times, 1):
        # Less what a timer may round off, and its clock drift from the calendar's.
        assert (each - began).total_seconds() > number * SHORT * 0.98


# Nearly all of its 21 seconds is waiting: in a group of its own, others run beside it.
@pytest.mark.xdist_group("ch02 clock")
def test_a_client_that_never_stops_talking_does_not_delay_the_clock(
    promise: Promise,
) -> None:
    interval, ticks = 1.0, 20
    texts = [f"message {number}" for number in range(round(ticks / 0.8))]
    with Server(APP, constants={"TIME_INTERVAL": interval}) as server:
        earliest = datetime.now(UTC)
        # bo's ticks are due just after ana's. When both are late, it is the machine.
        with server.connect("ana") as ana, server.connect("bo") as bo:
            talk(ana, texts, 0.8 * interval)
            echoes, times = echoes_and_ticks(ana, len(texts), ticks)
            silent = [time_of(bo.receive()) for _ in range(ticks)]

    assert echoes == [f"Message text was: {text}" for text in texts]
    after_due = [
        (each - earliest).total_seconds() / interval - number
        for number, each in enumerate(times, 1)
    ]
    after_bo = [
        (mine - his).total_seconds() / interval
        for mine, his in zip(times, silent, strict=True)
    ]
    late = max(map(min, after_due, after_bo))
    assert late < 0.2
    assert min(after_due) > -0.2
    promise(
        f"chapter 2: a client that never stops talking: {ticks} of {ticks} ticks, late "
        f"by {max(late, 0):.3f} of an interval at most; {len(echoes)} echoes, 0 lost"
    )


def echoes_and_ticks(
    client: Client, texts: int, ticks: int
) -> tuple[list[str], list[datetime]]:
    """What comes until there are so many of both; of the ticks the first ones."""
    echoes: list[str] = []
    times: list[datetime] = []
    while len(echoes) < texts or len(times) < ticks:
        came = str(client.receive())
        if came.startswith("Message"):
            echoes.append(came)
        else:
            times.append(time_of(came))
    return echoes, times[:ticks]


def talk(client: Client, texts: list[str], pause: float) -> None:
    """Send the texts one by one, on time."""
    start = time.monotonic()
    for number, text in enumerate(texts, 1):
        client.send(text)
        time.sleep(max(0.0, start + number * pause - time.monotonic()))


def test_a_client_that_does_not_read_delays_nobody_else(ticking: Server) -> None:
    with stalled(ticking), ticking.connect("bo") as bo:
        for number in range(20):
            bo.send(f"{number}")
        echoes, _ = echoes_and_ticks(bo, texts=20, ticks=20)

    assert echoes == [f"Message text was: {number}" for number in range(20)]


# The end


@WAYS
def test_leaving_ends_every_task_soon(
    server: Server, leave: Callable[[RawClient], None]
) -> None:
    took: list[float] = []
    for _ in range(20):
        ana = RawClient(server.port, "/ws")
        assert ana.response() == 101
        wait_until(lambda: server.tasks() == server.idle_tasks + 2, "two tasks run")

        began = time.monotonic()
        leave(ana)
        wait_until(lambda: server.tasks() == server.idle_tasks, "they have ended")
        took.append(time.monotonic() - began)

    soon, _, _ = quantiles(took, n=4)
    print(f"{leave.__name__}: {soon * 1000:.1f} ms, at most {max(took):.3f} s")
    # Some may have waited for the machine. Who waits for the next tick waits for ever.
    assert soon < SOON


@WAYS
def test_a_hundred_may_leave_at_once_and_leave_nothing(
    ticking: Server, leave: Callable[[RawClient], None]
) -> None:
    clients = [RawClient(ticking.port, "/ws") for _ in range(100)]
    for ana in clients:
        assert ana.response() == 101
        ana.send(frame(TEXT, b"hello"))
    for ana in clients:
        # All have talked, and ticks are on their way to all of them.
        while (received := ana.receive()) is not None:
            if received.payload.startswith(b"It is: "):
                break

    for ana in clients:
        leave(ana)

    wait_until(lambda: ticking.tasks() == ticking.idle_tasks, "no task is left")


def test_who_returns_has_ended_every_task(server: Server) -> None:
    with server.connect("ana") as ana:
        ana.send("hello")
        ana.expect("Message text was: hello")

    def returned() -> list[list[str]]:
        reports = server.process.reports
        mine = [r for r in reports if r["is"] == "returned" and r["port"] == ana.port]
        return [r["own"] for r in mine]

    wait_until(lambda: bool(returned()), "the handler has returned")
    assert returned() == [server.lifelong]


@pytest.mark.parametrize("data", [b"", b"bytes"], ids=["empty", "not empty"])
def test_a_binary_message_is_refused_with_1003(ticking: Server, data: bytes) -> None:
    with RawClient(ticking.port, "/ws") as ana:
        assert ana.response() == 101
        ana.send(frame(BINARY, data) + frame(TEXT, b"text"))

        said = ana.receive()
        while said is not None and said.payload.startswith(b"It is: "):
            said = ana.receive()
        assert said == Frame(CLOSE, b"\x03\xebthis socket takes text only")

        ana.send(close(1003))
        assert ana.receive() is None


# What a client can do


def stalled(server: Server) -> RawClient:
    """A client that does not read, when both tasks wait to send to it."""
    ana = RawClient(server.port, "/ws", buffer=4096)
    assert ana.response() == 101
    # More than the kernel keeps for a client that does not read; the answer to the
    # second message, and the next tick, then have to wait.
    ana.send(frame(TEXT, b"x" * 8 * MIB) + frame(TEXT, b"second"))
    wait_until(
        lambda: sum("send_text" in line.code for line in server.waiting()) == 2,
        "both tasks wait in send_text",
    )
    return ana


def test_the_page_is_html(server: Server) -> None:
    response = httpx.get(server.http, timeout=DEADLINE)

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in response.text.lower()


@pytest.mark.parametrize(
    "text",
    ["", "Grüße, 👋🏽!", "\0", r"\ud800", "x" * MIB],
    ids=["empty", "unicode", "nul", "surrogate escape", "1 MiB"],
)
def test_any_text_is_answered(server: Server, text: str) -> None:
    with server.connect("ana", compression=True) as ana:
        ana.send(text)
        ana.expect(f"Message text was: {text}")
        ana.send("and on")
        ana.expect("Message text was: and on")


def test_a_surrogate_in_utf8_is_refused_with_1007(server: Server) -> None:
    with RawClient(server.port, "/ws") as ana:
        assert ana.response() == 101
        ana.send(frame(TEXT, b"\xed\xa0\x80"))

        assert list(ana.receive_all()) == [Frame(CLOSE, (1007).to_bytes(2))]


def test_a_message_over_the_limit_is_refused_with_1009(server: Server) -> None:
    with RawClient(server.port, "/ws") as ana:
        assert ana.response() == 101
        # The header alone: the server need not see the rest to refuse it.
        ana.send(frame(TEXT, length=LIMIT + 1))

        answer = ana.receive()
        assert answer is not None
        assert answer.opcode == CLOSE
        assert int.from_bytes(answer.payload[:2]) == 1009


def test_a_client_may_vanish_before_it_is_accepted(ticking: Server) -> None:
    for _ in range(20):
        RawClient(ticking.port, "/ws").reset()


def test_a_client_may_vanish_in_the_middle_of_a_frame(server: Server) -> None:
    ana = RawClient(server.port, "/ws")
    assert ana.response() == 101
    ana.send(frame(TEXT, b"half of it", length=20))
    ana.reset()


def test_a_client_may_vanish_while_both_tasks_send(ticking: Server) -> None:
    stalled(ticking).reset()


def test_a_text_may_be_left_over_from_a_client_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A stand-in for uvicorn, which can do this and not on demand: the clock finds the
    # client gone, and in the same turn of the loop the echo is given its last text.
    left_over = asyncio.Event()
    said: list[str] = []

    async def receive() -> Message:
        if "websocket.accept" not in said:
            return {"type": "websocket.connect"}
        await left_over.wait()
        return {"type": "websocket.receive", "text": "the last words"}

    async def send(message: Message) -> None:
        said.append(message["type"])
        if message["type"] == "websocket.send":
            left_over.set()
            raise OSError("the client is gone")

    monkeypatch.setattr(chapter, "TIME_INTERVAL", 0.0)
    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b""}
    asyncio.run(chapter.app(scope, receive, send))

    assert said == ["websocket.accept", "websocket.send"]


def test_a_hundred_clients_are_answered_at_once(server: Server) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(server.connect(f"client {number}"))
            for number in range(100)
        ]
        for client in clients:
            client.send(f"I am {client.name}")
        for client in clients:
            client.expect(f"Message text was: I am {client.name}")
