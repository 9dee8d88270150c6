"""An answer that needs Redis, and several processes that serve it."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.synthetic import write_course
from tests.waiting import wait_until
from workbook import broker, checks
from workbook.answer import Answer
from workbook.failure import Failure
from workbook.process import Process

RELAY = Path(__file__).parent / "apps" / "relay.py"

PLAIN = """
import os
from fastapi import FastAPI

app = FastAPI()


@app.get("/redis")
async def redis() -> str | None:
    return os.environ.get("REDIS_" + "URL")
"""


@pytest.fixture
def relay() -> Iterator[Answer]:
    with Answer(RELAY) as answer:
        yield answer


def test_two_processes_of_one_file_share_a_redis_and_a_wire(relay: Answer) -> None:
    with relay.connect("ana") as ana, relay.connect("bo", worker=2) as bo:
        ana.send("hello")
        ana.expect("hello")
        bo.expect("hello")

    relay.expect_subscriptions(2)
    relay.expect_connections(3)
    assert relay.get("/pid").text != relay.get("/pid", worker=2).text
    assert relay.redis.commands("PUBLISH") == [("PUBLISH", "chat", "hello")]
    assert relay.wire.clients == ["ana", "bo"]
    assert relay.wire.processes == {"ana": 1, "bo": 2}
    redis = [event for event in relay.wire if event.kind == "redis"]
    published = ("1", "out", 'PUBLISH chat "hello"')
    assert published in [(e.client, e.direction, e.data) for e in redis]
    heard = {e.client for e in redis if e.data == 'chat "hello"'}
    assert heard == {"1", "2"}


def test_both_live_through_a_redis_that_goes_and_comes_back(relay: Answer) -> None:
    with relay.connect("ana") as ana, relay.connect("bo", worker=2) as bo:
        relay.redis.kill()
        bo.send("lost")
        bo.expect_json({"error": "not published"})
        relay.redis.start()
        relay.expect_subscriptions(2)
        bo.send("found")

        ana.expect("found")

    befell = [e for e in relay.wire if e.direction == "none"]
    assert [(e.data, e.code) for e in befell] == [
        ("Redis is killed", 0),
        ("Redis is back", 1),
    ]


def test_the_next_check_finds_redis_well(relay: Answer) -> None:
    relay.connect("ana")
    relay.redis.kill()

    relay.begin()

    assert "Redis is back" not in [event.data for event in relay.wire]
    relay.expect_subscriptions(1)
    assert relay.redis.commands("PUBLISH") == []


def test_a_file_that_asks_for_no_redis_starts_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(broker.URL, raising=False)
    file = tmp_path / "plain.py"
    file.write_text(PLAIN)
    started: list[str] = []
    monkeypatch.setattr(broker, "shared", lambda: started.append("one"))

    with Answer(file) as answer:
        assert answer.get("/redis").text == "null"
    assert started == []


def test_a_check_that_asks_first_gives_one_to_any_file(tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(PLAIN)

    with Answer(file) as answer:
        url = answer.redis.url
        assert answer.get("/redis").text == f'"{url}"'
        assert answer.get("/redis", worker=2).text == f'"{url}"'


def test_a_constant_holds_in_every_process(relay: Answer) -> None:
    relay.connect("ana", worker=2)

    relay.set(CHANNEL="news")

    for number in (1, 2, 3):
        with relay.connect(f"client {number}", worker=number) as client:
            client.send("hello")
    assert relay.redis.until(lambda link: len(link.commands("PUBLISH")) == 3, 30)
    told = {words[1] for words in relay.redis.commands("PUBLISH")}
    assert told == {"news"}


def test_a_wrong_number_of_subscriptions_is_told(relay: Answer) -> None:
    relay.connect("ana", worker=2)
    relay.connect("bo")
    relay.reply = 0.2

    with pytest.raises(Failure) as failed:
        relay.expect_subscriptions(1, "One is enough.", misconception="M29")
    assert dict(failed.value.lines) == {
        "asked": "Redis about your app",
        "got": "2 subscriptions: chat (2)",
        "expected": "1 subscription",
        "hint": "One is enough.",
    }
    with pytest.raises(Failure, match="2 connections"):
        relay.expect_connections(1)


def test_an_app_that_goes_to_another_redis_is_told_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "plain.py"
    file.write_text(PLAIN)

    with Answer(file, reply=0.1) as answer, pytest.raises(Failure) as failed:
        answer.expect_subscriptions(1, "One is enough.", misconception="M29")

    rows = dict(failed.value.lines)
    assert rows["got"] == "nothing of it: it has never connected"
    assert rows["hint"] == "Redis is where REDIS_URL in the environment says."
    assert failed.value.misconception is None


def test_a_redis_that_cannot_be_had_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "_shared", None)
    monkeypatch.delenv(broker.FORCE, raising=False)
    monkeypatch.setenv(broker.URL, "redis://127.0.0.1:1")

    with Answer(RELAY) as answer, pytest.raises(Failure) as failed:
        answer.connect("ana")

    rows = dict(failed.value.lines)
    assert rows["looked for"] == "a Redis"
    assert rows["got"].startswith("REDIS_URL is redis://127.0.0.1:1, where no Redis")
    assert "unset REDIS_URL" in rows["hint"]


# The one that is to be blamed

CHECK = """
def test_it_relays(ex1_relay):
    with ex1_relay.connect("ana") as ana, ex1_relay.connect("bo", worker=2) as bo:
        {steps}
"""


@pytest.mark.parametrize(
    ("steps", "rows"),
    [
        (
            "bo.send('crash'); bo.expect('crash')",
            {
                "bo sent": 'text "crash"',
                "bo got": "no close (1006): the handler raised "
                "ValueError: as I was told",
                "look at": 'relay.py:61  raise ValueError("as I was told")',
            },
        ),
        (
            "bo.send('exit'); bo.expect_close(1006); ana.reply = 2; ana.expect('exit')",
            {
                "ana got": "no more: your program ended by itself (exit status 7)",
                "look at": "relay.py:63  os._exit(7)",
            },
        ),
    ],
    ids=["crash", "exit"],
)
def test_what_goes_wrong_in_the_second_process_is_told(
    steps: str, rows: dict[str, str], tmp_path: Path
) -> None:
    checked = CHECK.format(steps=steps)
    (exercise,) = write_course(tmp_path, checked, "ex1_relay")

    verdict = checks.run(exercise, RELAY)

    assert verdict.failure is not None
    assert rows.items() <= dict(verdict.failure.lines).items()


def test_all_processes_are_told_to_stop_and_end(relay: Answer) -> None:
    with relay.connect("ana"), relay.connect("bo", worker=2):
        pids = [int(relay.get("/pid", worker=number).text) for number in (1, 2)]
    relay.redis.kill()  # what a check has left behind holds up no end

    relay.stop()
    relay.end()

    assert relay.left_behind == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_redis_is_there_when_a_program_says_goodbye(tmp_path: Path) -> None:
    goodbye = "    await redis.publish(CHANNEL, 'goodbye')\n    await redis.aclose()\n"
    file = tmp_path / "relay.py"
    file.write_text(RELAY.read_text().replace("    await redis.aclose()\n", goodbye))

    with Answer(file) as answer:
        answer.connect("ana").close()
        answer.redis.kill()
        answer.stop()

        assert answer.redis.commands("PUBLISH") == [("PUBLISH", "chat", "goodbye")]


def test_the_second_one_that_does_not_stop_is_told(tmp_path: Path) -> None:
    source = RELAY.read_text()
    source = source.replace("listener.cancel()", "if not told: listener.cancel()")
    source = source.replace('raise ValueError("as I was told")', "told.append(text)")
    # Whom we wait for in vain is waited for a short time only.
    steps = "bo.send('crash'); bo.expect('crash'); ex1_relay.reply = 2"
    (exercise,) = write_course(tmp_path, CHECK.format(steps=steps), "ex1_relay")
    exercise.path.write_text(source.replace("people:", "told: list[str] = []\npeople:"))

    verdict = checks.run(exercise)

    assert verdict.failure is not None
    assert verdict.passed == ["it relays"]
    rows = dict(verdict.failure.lines)
    assert rows["told"] == "ex1_relay.py to stop, when every client had left"
    assert rows["got"] == "nothing for 2 s: it still ran"


# What is asked of any file

WAITING = """
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fastapi import FastAPI, WebSocket


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    {at_the_end}


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def stay(websocket: WebSocket) -> None:
    await websocket.accept()
    if await websocket.receive_text() == "stay":
        await asyncio.Event().wait()


@app.get("/waits")
async def waits() -> None:
    await asyncio.Event().wait()
"""


def waiting(folder: Path, at_the_end: str = "pass") -> Answer:
    """An app that can be made to wait for ever."""
    file = folder / "waiting.py"
    file.write_text(WAITING.replace("{at_the_end}", at_the_end))
    return Answer(file)


def test_of_a_handler_that_goes_on_it_is_told_what_its_client_did(
    tmp_path: Path,
) -> None:
    with (
        waiting(tmp_path) as answer,
        answer.connect("ana") as ana,
        answer.connect("bo") as bo,
    ):
        bo.send("go")
        answer.expect_end_of(bo)
        ana.send("stay")
        with pytest.raises(Failure) as stays:
            answer.expect_end_of(ana, within=0.1)
        ana.abort()
        with pytest.raises(Failure) as gone:
            answer.expect_end_of(ana, within=0.1)

    rows = {"ana sent": 'text "stay"', "got": "a handler that still ran after 0.1 s"}
    assert rows.items() <= dict(stays.value.lines).items()
    assert dict(gone.value.lines)["ana sent"] == "no more: it is gone"


LEAVES_ONE = """
import asyncio
from contextlib import asynccontextmanager
from fastapi import FastAPI, WebSocket


async def tick() -> None:
    await asyncio.sleep(60)


@asynccontextmanager
async def lifespan(_):
    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()


app = FastAPI(lifespan=lifespan)
tasks = set()


@app.websocket("/ws")
async def ask(websocket: WebSocket) -> None:
    await websocket.accept()
    async for _ in websocket.iter_text():
        tasks.add(asyncio.create_task(tick()))
"""


def test_a_task_that_is_left_is_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "leaves_one.py"
    file.write_text(LEAVES_ONE)
    with Answer(file) as answer, answer.connect("bo"):
        with answer.connect("ana") as ana:
            pass
        answer.expect_nothing_left(ana)  # bo's, uvicorn's and the app's are none

        with answer.connect("cy") as cy:
            cy.send("one more")
        with pytest.raises(Failure) as failed:
            answer.expect_nothing_left(cy)
        with pytest.raises(Failure) as still:
            answer.expect_no_task_left("Who ends it?")

    told = "a handler that ended before a task of its own: tick"
    assert dict(failed.value.lines)["got"] == told
    assert failed.value.misconception == "M24"
    assert ("got", "1 that still ran: tick") in still.value.lines


def test_the_tasks_that_the_app_began_with_may_stay(tmp_path: Path) -> None:
    file = tmp_path / "leaves_one.py"
    file.write_text(LEAVES_ONE)
    with Answer(file) as answer:
        with answer.connect("ana") as ana:
            pass
        answer.expect_end_of(ana)
        answer.expect_no_task_left()


FORGETFUL = """
import asyncio
from fastapi import FastAPI, WebSocket

app = FastAPI()
tasks = set()


async def fail(websocket: WebSocket) -> None:
    await websocket.send_text("now")
    raise ValueError("nobody told me")


@app.websocket("/ws")
async def ask(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        task = asyncio.create_task(fail(websocket))
        if text == "look":
            await asyncio.wait([task])
            task.exception()
        elif text == "keep":
            tasks.add(task)
"""


@pytest.mark.parametrize("text", ["keep", "forget"])
def test_an_error_that_nobody_asks_for_is_lost(tmp_path: Path, text: str) -> None:
    file = tmp_path / "forgetful.py"
    file.write_text(FORGETFUL)
    with Answer(file) as answer:
        with answer.connect("ana") as ana:
            ana.send("look")
            ana.expect("now")
        answer.expect_end_of(ana)
        answer.expect_no_lost_error()

        with answer.connect("bo") as bo:
            bo.send(text)
            bo.expect("now")
        answer.expect_end_of(bo)
        with pytest.raises(Failure) as failed:
            answer.expect_no_lost_error("Who looks?", misconception="M24")

    assert failed.value.lines == [
        ("looked for", "tasks that failed"),
        ("got", "ValueError: Task exception was never retrieved"),
        ("expected", "none that nobody awaits, or asks for its exception()"),
        ("look at", 'forgetful.py:11  raise ValueError("nobody told me")'),
        ("hint", "Who looks?"),
    ]
    assert failed.value.misconception == "M24"


def test_a_page_that_never_comes_is_silence(tmp_path: Path) -> None:
    with waiting(tmp_path) as answer:
        answer.reply = 0.1
        with pytest.raises(Failure, match=r"nothing for 0\.1 s") as failed:
            answer.get("/waits")

    assert failed.value.silent


def test_a_program_that_goes_on_when_it_is_told_to_stop_is_silent(
    tmp_path: Path,
) -> None:
    with waiting(tmp_path, at_the_end="await asyncio.Event().wait()") as answer:
        answer.get("/")
        answer.reply = 0.1
        with pytest.raises(
            Failure, match=r"nothing for 0\.\d s: it still ran"
        ) as failed:
            answer.stop()

    assert failed.value.silent


@pytest.mark.parametrize("names", [["ana"], ["ana", "bo"]])
def test_the_one_line_at_which_handlers_go_on_is_told(
    tmp_path: Path, names: list[str]
) -> None:
    there = ["await asyncio.Event().wait()"] * len(names)
    with waiting(tmp_path) as answer:
        for name in names:
            answer.connect(name).send("stay")
        server = answer.server
        assert server is not None
        wait_until(lambda: [at.code for at in server.waiting()] == there, "all wait")
        answer.reply = 0.1
        with pytest.raises(Failure) as failed:
            answer.stop()

    assert failed.value.where is not None
    assert failed.value.where.code == there[0]


@pytest.mark.skipif(sys.platform == "win32", reason="no signal tells it to stop there")
def test_a_program_that_ends_itself_has_not_stopped(tmp_path: Path) -> None:
    with waiting(tmp_path, at_the_end="os._exit(7)") as answer:
        answer.get("/")
        with pytest.raises(Failure) as failed:
            answer.stop()

    assert dict(failed.value.lines)["expected"] == "a program that ends"


def test_all_calls_are_of_one_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    begin = Process.begin

    def noted(process: Process, job: Mapping[str, object]) -> None:
        begun.append(job)
        begin(process, job)

    monkeypatch.setattr(Process, "begin", noted)
    file = tmp_path / "double.py"
    file.write_text("def double(n):\n    return 2 * n\n")
    with Answer(file) as answer:
        answer.expect_call("double", 2, returns=4)
        answer.expect_call("double", 3, returns=6)

    assert len(begun) == 1


def test_what_goes_to_redis_has_its_turn_too(
    relay: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.connect("ana")
    turns: list[str] = []
    monkeypatch.setattr(relay.redis, "take_turn", lambda: turns.append("the link's"))

    relay.take_turns(30)

    assert turns == ["the link's"]


# Programs that mean no good

HOSTILE = """
from contextlib import asynccontextmanager
import asyncio
import os

import redis as blocking
from fastapi import FastAPI, WebSocket
from redis.asyncio import Redis

URL = os.environ["REDIS_URL"]
app = FastAPI()


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        {act}
        await websocket.send_text("done")
"""


@pytest.mark.parametrize(
    ("act", "got"),
    [
        ("await Redis.from_url(URL).client_kill_filter(_type='pubsub')", "forbidden"),
        ("await Redis.from_url(URL).flushall()", "forbidden here: others may use"),
        (
            "kept = [Redis.from_url(URL) for _ in range(200)];"
            " await asyncio.gather(*(one.ping() for one in kept))",
            "max number of clients reached",
        ),
        (
            "list(blocking.Redis.from_url(URL, socket_timeout=None)"
            ".xread({{'chat': 0}}, block=0))",
            "the server stood still",
        ),
    ],
    ids=["kills", "flushes", "too many", "blocks"],
)
def test_a_program_that_means_no_good_is_told_and_holds_nothing_up(
    act: str, got: str, tmp_path: Path
) -> None:
    # Whom we wait for in vain is waited for a short time only.
    limit = 3 if "blocking" in act else 20
    steps = f"bo.close(); ana.reply = {limit}; ana.send('go'); ana.expect('done')"
    (exercise,) = write_course(tmp_path, CHECK.format(steps=steps), "ex1_relay")
    exercise.path.write_text(
        HOSTILE.format(act=act.replace("{{", "{").replace("}}", "}"))
    )

    verdict = checks.run(exercise)

    assert verdict.failure is not None
    said = [*verdict.failure.trace, verdict.failure.got]
    assert any(got in line for line in said), said
    assert "look at" in dict(verdict.failure.lines)


SPEAKS = """
def test_it_serves(ex1_relay):
    ex1_relay.connect("ana").close()


def test_it_relays(ex1_relay):
    with ex1_relay.connect("ana") as ana, ex1_relay.connect("bo") as bo:
        ana.send("hello")
        if "publish" in ex1_relay.file.read_text():
            ex1_relay.redis.until(lambda link: bool(link.commands("PUBLISH")), 30)
        bo.reply = 0.5
        bo.expect("hello")
"""


@pytest.mark.parametrize(
    ("says", "got", "fate"),
    [
        ("print(text)", "nothing for 0.5 s", "never published"),
        (
            "await redis.publish(f'room:{CHANNEL}', text)",
            "nothing for 0.5 s, and nobody listens to room:chat",
            "nobody listens to room:chat",
        ),
    ],
)
def test_how_far_a_text_has_come_by_redis_is_marked(
    tmp_path: Path, says: str, got: str, fate: str
) -> None:
    exercise = write_course(tmp_path, SPEAKS, "ex1_relay")[0]
    source = RELAY.read_text("utf-8").replace(
        "await redis.publish(CHANNEL, text)", says
    )
    exercise.path.write_text(source.replace("not published", "no"), "utf-8")

    verdict = checks.run(exercise)

    failure = verdict.failure
    assert failure is not None
    assert (failure.who, failure.got) == ("bo", got)
    marks = [event.mark for event in verdict.wire if event.mark]
    assert marks == [f'expected text "hello"; {fate}']
