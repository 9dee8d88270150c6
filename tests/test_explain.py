"""`learn.py explain`, and the pages in docs/ which it reads."""

import ast
import asyncio
import importlib
import inspect
import json
import re
import socket
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from starlette.datastructures import State
from starlette.requests import Request
from starlette.websockets import WebSocket

from tests.test_exercises import EXERCISES, asked
from workbook import arguments, checks, course, explain, failure, misconceptions
from workbook.explain import Entry, Findings

ENTRIES = explain.read()
BY_ID = {entry.id: entry for entry in ENTRIES if entry.id}
ERRORS = [entry for entry in ENTRIES if entry.page == "errors"]
MISCONCEPTIONS = [entry for entry in ENTRIES if entry.page == "misconceptions"]
TABLES = sorted((course.ROOT / "tests").glob("ch*/misconceptions.md"))
DEADLINE = 60.0


def find(text: str) -> Findings:
    return explain.find(text, ENTRIES)


def whole(text: str) -> list[str]:
    """The numbers or titles of what is shown whole."""
    return [entry.id or entry.title for entry in find(text).whole]


def shown(text: str, width: int = 80) -> list[str]:
    return [line.plain for line in explain.show(find(text), width)]


# The pages


def anchor(entry: Entry) -> str:
    """What GitHub makes of the entry's heading for a link to it."""
    kept = re.sub(r"[^\w\- ]", "", entry.name.lower())
    return f"{entry.page}.md#{kept.replace(' ', '-')}"


@pytest.mark.parametrize("page", explain.PAGES)
def test_the_links_at_the_end_of_a_page_are_those_it_needs(page: str) -> None:
    text = (course.ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    body, _, links = re.sub(r"```.*?```", "", text, flags=re.S).partition("\n\n[")
    used = sorted(set(re.findall(r"\[([^\]]+)\](?!\()", re.sub("`.*?`", "", body))))

    expected = "".join(f"[{id}]: {anchor(BY_ID[id])}\n" for id in used)

    assert f"[{links}" == expected, f"the page should end with these:\n{expected}"


def test_no_two_headings_of_a_page_make_the_same_anchor() -> None:
    anchors = [anchor(entry) for entry in ENTRIES]

    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize(
    ("page", "labels"),
    [
        ("close-codes", ["Sent by", "Means", "Here", "On the wire", "Chapter"]),
        ("statuses", ["Sent by", "Means", "Here", "Chapter"]),
        ("misconceptions", ["Symptom", "Cause", "See it", "Do", "Chapter"]),
        ("errors", ["From", "Means", "Do", "See"]),
    ],
)
def test_every_entry_of_a_page_has_its_rows(page: str, labels: list[str]) -> None:
    for entry in ENTRIES:
        if entry.page == page:
            rows = [label for label, _ in entry.rows]
            assert [row for row in rows if row in labels] == [
                label for label in labels if label in rows
            ], entry.name
            assert set(labels) - {"Here"} <= set(rows), entry.name


def test_every_close_code_has_one_entry() -> None:
    ranges = [e.id.split("-") for e in ENTRIES if e.page == "close-codes"]
    codes = [n for ends in ranges for n in range(int(ends[0]), int(ends[-1]) + 1)]

    assert sorted(codes) == list(range(65536))
    for code, name in failure.CLOSE_CODES.items():
        assert BY_ID[str(code)].title == name


def test_every_misconception_has_its_entry() -> None:
    ids = [f"M{number:02}" for number in range(1, 63)]
    known = {entry.id for entry in misconceptions.MISCONCEPTIONS if entry.id}

    assert [entry.id for entry in MISCONCEPTIONS] == ids
    assert known <= set(ids)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.parent.name)
def test_an_entry_names_the_chapter_and_the_exercises_of_its_table(table: Path) -> None:
    chapter = str(course.find_chapter(table.parent.name).number)
    rows = re.findall(
        r"^\| (M\d\d) \|.*?\|.*?\|(.*)\|$", table.read_text("utf-8"), re.M
    )
    assert rows

    for id, recognised in rows:
        told = dict(BY_ID[id].rows)["Chapter"]
        exercises = set(re.findall(r"\bex(\d)_", recognised))
        there = {f"{chapter}.{number}" for number in exercises}
        named = set(re.findall(rf"\b{chapter}\.\d", told))
        ranges = re.findall(rf"\b{chapter}\.(\d) to {chapter}\.(\d)", told)
        for first, last in ranges:
            named |= {f"{chapter}.{n}" for n in range(int(first), int(last) + 1)}
        assert chapter in re.findall(r"\d+", told), f"{id}: {told}"
        assert named <= there, f"{id} names {named}, its table {there}"


def test_an_entry_names_every_exercise_in_which_a_check_recognises_it() -> None:
    heads = [(ex.id, asked(p, "Misconception")) for ex in EXERCISES for p in ex.wrong]

    for entry in MISCONCEPTIONS:
        told = dict(entry.rows)["Chapter"]
        named = set(re.findall(r"\b\d\.\d", told.partition("recognised in")[2]))
        for chapter, first, last in re.findall(r"(\d)\.(\d) to \1\.(\d)", told):
            named |= {f"{chapter}.{n}" for n in range(int(first), int(last) + 1)}
        known = {exercise for exercise, id in heads if id == entry.id}
        if "wherever" in told:
            assert named <= known, entry.id
        elif "recognised in" in told:
            assert named == known, entry.id


def test_every_exercise_and_file_that_is_named_is_there() -> None:
    known = {exercise.id for exercise in course.exercises()}
    text = "".join(entry.body for entry in ENTRIES)
    named = re.findall(r"exercises? (\d\.\d)(?:(?:,| and| to)? (\d\.\d))*", text)

    assert {id for ids in named for id in ids if id} <= known
    for command in re.findall(r"learn\.py (\w+)", text):
        assert command in arguments.VERBS


def test_the_pages_show_no_line_of_a_solution() -> None:
    pages = "\n".join(entry.body for entry in ENTRIES)
    for exercise in course.exercises():
        shipped = exercise.shipped.read_text(encoding="utf-8")
        for line in exercise.solution.read_text(encoding="utf-8").splitlines():
            if len(line.strip()) >= 20 and line not in shipped:
                assert line.strip() not in pages, exercise.id


# The error texts are those of the libraries


@cache
def strings(module: str) -> list[str]:
    """All strings in a module's source; what is put into them is `…`."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = [v for v in node.values if isinstance(v, ast.Constant)]
            found.append("…".join(str(v.value) for v in values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return [explain.plain_words(text) for text in found]


def stands_in(module: str, text: str) -> bool:
    """Whether a module can say this: it has such a class, or strings of these words."""
    name, _, said = text.partition(": ")
    if re.fullmatch(r"[\w.]+\.[A-Z]\w+", name):
        home, _, cls = name.rpartition(".")
        if not hasattr(importlib.import_module(home), cls):
            return False
        text = said
    pieces = re.split(r"…|(?<=but got) ", text)
    return all(
        any(explain.plain_words(piece) in string for string in strings(module))
        for piece in pieces
    )


async def connect() -> dict[str, str]:
    return {"type": "websocket.connect"}


async def take(message: object) -> None:
    pass


async def accept_twice() -> None:
    websocket = WebSocket({"type": "websocket", "headers": []}, connect, take)
    await websocket.accept()
    await websocket.accept()


async def await_none() -> None:
    await print(end="")  # type: ignore


async def await_a_method() -> None:
    await Path().exists  # type: ignore


async def await_a_function() -> None:
    await await_none  # type: ignore


def connect_where_nobody_listens() -> None:
    with socket.socket() as deaf:  # bound, and not listening
        deaf.bind(("127.0.0.1", 0))
        socket.create_connection(deaf.getsockname())


def ask_the_other_redis_that_is_not_there() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        with SyncRedis(port=deaf.getsockname()[1], retry=None) as redis:
            redis.ping()


async def wait_for_too_long() -> None:
    async with asyncio.timeout(0):
        await asyncio.sleep(DEADLINE)


def compiled(source: str) -> Callable[[], object]:
    return lambda: compile(source, "app.py", "exec")


async def ask_a_redis_that_is_not_there() -> None:
    with socket.socket() as deaf:  # bound, and not listening
        deaf.bind(("127.0.0.1", 0))
        async with Redis(port=deaf.getsockname()[1], retry=None) as redis:
            await redis.ping()


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    return lambda: asyncio.run(main())


def loop_over_a_generator() -> None:
    async def numbers() -> Any:
        yield 1

    for _ in numbers():
        pass


def forget_an_await() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shown = repr(await_none())
    raise RuntimeError(f"{caught[0].message}, {shown}")


def send_a_text(message: Any = "hello") -> None:
    message["type"]


def on_a_coroutine(do: Callable[[Any], object]) -> None:
    made = await_none()
    try:
        do(made)
    finally:
        made.close()


async def loop_over_a_method() -> None:
    async for _ in await_none:  # type: ignore
        pass


async def await_a_generator() -> None:
    async def numbers() -> Any:
        yield 1

    await numbers()


async def await_it_twice() -> None:
    made = take(None)
    await made
    await made


async def read_twice() -> None:
    reader = asyncio.StreamReader()
    async with asyncio.timeout(DEADLINE):
        first = asyncio.create_task(reader.readuntil())
        await asyncio.sleep(0)
        try:
            await reader.readuntil()
        finally:
            first.cancel()


async def make_a_task_of_a_function() -> None:
    asyncio.create_task(print)  # type: ignore  # noqa: RUF006


def use_a_closed_loop() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    loop.call_soon(print)


def change_while_looping(collection: Any, add: Callable[[Any], None]) -> None:
    for _ in collection:
        add(collection)


def dependency(request: Request) -> None:
    pass


def other_dependency(websocket: WebSocket) -> None:
    pass


RUNS: dict[str, list[Callable[[], object]]] = {
    "missing 1 required positional argument: 'request'": [
        lambda: dependency(),  # type: ignore
        lambda: other_dependency(),  # type: ignore
        lambda: Request({"type": "http"}).close(1008),  # type: ignore
    ],
    "'State' object has no attribute": [lambda: State().redis],
    'Expected ASGI message "websocket.send" or "websocket.close", but got '
    "'websocket.accept'": [run(accept_twice)],
    "object NoneType can't be used in 'await' expression": [run(await_none)],
    "object method can't be used in 'await' expression": [
        run(await_a_method),
        run(await_a_function),
    ],
    "'async_generator' object is not iterable": [loop_over_a_generator],
    "object has no attribute 'encode'": [lambda: {}.encode()],  # type: ignore
    "string indices must be integers, not 'str'": [send_a_text],
    "a bytes-like object is required, not 'str'": [lambda: memoryview("a")],  # type: ignore
    "KeyError: 'text', KeyError: 'bytes'": [lambda: {}["text"], lambda: {}["bytes"]],
    "list.remove(x): x not in list": [lambda: [].remove(1)],
    "KeyError: 'ana'": [lambda: {}["ana"]],
    "JSONDecodeError": [lambda: json.loads("{x")],
    "surrogates not allowed": [lambda: "\ud83d".encode()],
    "changed size during iteration": [
        lambda: change_while_looping({1}, lambda s: s.add(2)),
        lambda: change_while_looping({1: 1}, lambda d: d.update({2: 2})),
    ],
    "'NoneType' object has no attribute": [lambda: None.cookies],  # type: ignore
    "coroutine was never awaited": [forget_an_await],
    "Error 111 connecting to ...": [
        run(ask_a_redis_that_is_not_there),
        ask_the_other_redis_that_is_not_there,
    ],
    "Connect call failed, Connection refused": [connect_where_nobody_listens],
    "No module named ...": [lambda: importlib.import_module("no_such_library")],
    "'await' outside async function": [
        compiled("def talk():\n    await take()"),
        compiled("await take()"),
        compiled("def talk():\n    async for text in take():\n        pass"),
        compiled("def talk():\n    async with take():\n        pass"),
    ],
    "TimeoutError": [run(wait_for_too_long)],
    "no running event loop": [asyncio.get_running_loop],
    "'coroutine' object has no attribute": [
        lambda: on_a_coroutine(lambda made: made.lower()),
        lambda: on_a_coroutine(lambda made: made["message"]),
        lambda: on_a_coroutine(list),
    ],
    "'async for' requires an object with __aiter__ method": [
        run(loop_over_a_method),
        run(await_a_generator),
    ],
    "cannot reuse already awaited coroutine": [run(await_it_twice)],
    "called while another coroutine is already waiting for incoming data": [
        run(read_twice)
    ],
    "a coroutine was expected, got": [
        lambda: asyncio.run(print),  # type: ignore
        run(make_a_task_of_a_function),
    ],
    "Event loop is closed": [use_a_closed_loop],
}
"""What raises the texts that stand in no source, by the entry that explains them."""

ADDRESS_IN_USE = "address already in use"

SAID_ELSEWHERE = (
    ADDRESS_IN_USE,
    "the target machine actively refused it",  # Windows
    "The remote computer refused the network connection",  # Windows
)
"""By systems, of which not every one is here."""


def test_each_error_text_is_said_by_what_is_named() -> None:
    for entry in ERRORS:
        raised = [raise_it(raiser) for raiser in RUNS.get(entry.title, [])]
        said_by = dict(entry.rows)["From"]
        modules = re.findall(r"`([a-z_]\w*(?:\.[a-z_]\w*)*)`", said_by)

        assert entry.texts, entry.title
        for told in raised:
            assert entry in find(told).whole, told
        for text in entry.texts:
            browser = "Chromium" in said_by or "Firefox" in said_by
            if browser or any(words in text for words in SAID_ELSEWHERE):
                continue  # no Python can say it
            said = [
                explain.by_text(told, [replace(entry, texts=[text])]) for told in raised
            ]
            assert any(said) or any(stands_in(m, text) for m in modules), text


def raise_it(raiser: Callable[[], object]) -> str:
    """The last line of the traceback of what is raised."""
    try:
        raiser()
    except Exception as error:
        return traceback.format_exception_only(error)[-1]
    raise AssertionError(f"{raiser} raises nothing")


def test_what_the_system_says_of_an_address_in_use_is_explained() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(OSError) as caught:  # noqa: PT011 - its text is read
        asyncio.run(serve_on(taken.getsockname()[1]))

    assert whole(str(caught.value)) == [ADDRESS_IN_USE]


async def serve_on(port: int) -> None:
    await asyncio.start_server(print, "127.0.0.1", port)


RAISERS = {
    "starlette.websockets": {
        "The server doesn't support the Websocket Denial Response extension.",
        'Expected ASGI message "websocket.connect", but got …',
        'Expected ASGI message "websocket.receive" or "websocket.disconnect", '
        "but got …",
        'Expected ASGI message "websocket.http.response.body", but got …',
    },
    "uvicorn.protocols.websockets.websockets_sansio_impl": {
        "Expected ASGI message 'websocket.http.response.body' but got '…'.",
    },
    "redis._parsers.encoders": set[str](),
    "redis._parsers.socket": set[str](),
}
"""Modules of which each error is explained, but for these: who keeps to FastAPI's
methods does not meet them."""


@pytest.mark.parametrize("module", RAISERS)
def test_every_error_that_the_installed_libraries_raise_here_is_known(
    module: str,
) -> None:
    raised = set(texts_raised_by(module))
    accepted_twice = {text for text in raised if "websocket.send" in text}

    assert len(raised) > 1
    assert RAISERS[module] <= raised
    for text in raised - RAISERS[module] - accepted_twice:
        assert whole(text), text
    for text in accepted_twice:
        kind = "accept" if '"websocket.send' in text else "http.response.start"
        assert whole(text.replace("'…'", "…").replace("…", f"'websocket.{kind}'")), text


def texts_raised_by(module: str) -> Iterator[str]:
    """What `raise Error("...")` says in a module; what is put into it is `…`."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(args=[ast.Constant(value=str(text)), *_])):
                yield text
            case ast.Raise(exc=ast.Call(args=[ast.JoinedStr(values=values), *_])):
                shown = [
                    v.value if isinstance(v, ast.Constant) else "…" for v in values
                ]
                yield "".join(map(str, shown))


@pytest.mark.parametrize(
    ("pasted", "title"),
    [
        (
            "readuntil() called while another coroutine is already waiting for "
            "incoming data",
            "called while another coroutine is already waiting for incoming data",
        ),
        (
            "redis.exceptions.DataError: Invalid input of type: 'dict'. Convert to a "
            "bytes, string, int or float first.",
            "Invalid input of type",
        ),
        (
            "RuntimeError: Task <Task pending name='Task-9' coro=<main() running at "
            "app.py:9>> got Future <Future pending> attached to a different loop",
            "is bound to a different event loop",
        ),
        ("ERROR:    Application startup failed. Exiting.", "Application startup f"),
        ("WARNING:  Invalid HTTP request received.", "Invalid HTTP request received"),
        ("RuntimeError: TaskGroup <TaskGroup> is shutting down", "TaskGroup ..."),
        ("RuntimeError: Event loop is closed", "Event loop is closed"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "Connect call"),
        ("[Errno 61] Connection refused", "Connect call"),
        (
            "[WinError 10061] No connection could be made because the target machine "
            "actively refused it",
            "Connect call",
        ),
        (
            "Error 10061 connecting to localhost:6379. No connection could be made "
            "because the target machine actively refused it.",
            "Error 111 connecting to",
        ),
        (
            "Firefox can\u2019t establish a connection to the server at "
            "ws://127.0.0.1:8000/ws.",
            "Firefox can't",
        ),
        ("WebSocket connection to 'ws://127.0.0.1:8000/ws' failed: ", "WebSocket co"),
        (
            "WebSocket connection to 'ws://127.0.0.1:8000/ws' failed: Error in "
            "connection establishment: net::ERR_CONNECTION_REFUSED",
            "net::ERR_CONNECTION_REFUSED",
        ),
        (
            "WebSocket connection to 'ws://127.0.0.1:8000/ws' failed: Error during "
            "WebSocket handshake: Unexpected response code: 403",
            "Unexpected response code",
        ),
        ("ModuleNotFoundError: No module named 'fastapi'", "No module named"),
        ("/usr/bin/python3: No module named uvicorn", "No module named"),
        ("SyntaxError: 'await' outside async function", "'await' outside"),
        ("JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "JSONDecode"),
        ("ConnectionClosedError: received 1011 (internal error)", "ConnectionClosed"),
        ("TimeoutError: ", "TimeoutError"),
        ("TimeoutError: timed out during opening handshake", "timed out during"),
    ],
)
def test_what_a_learner_pastes_is_known(pasted: str, title: str) -> None:
    [found] = find(pasted).whole

    assert found.title.startswith(title)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("WebSocketDisconnect", "WebSocketDisconnect"),
        ("websocketdisconnect", "WebSocketDisconnect"),
        ("JSONDecodeError", "JSONDecodeError"),
        ("CancelledError", "CancelledError"),
        ("ConnectionClosedOK", "ConnectionClosedOK, ConnectionClosedError"),
        ("Connection refused", "Connect call failed, Connection refused"),
        ("TimeoutError", "TimeoutError"),
        ("Forbidden", "403"),
        ("abnormal closure", "1006"),
    ],
)
def test_a_title_or_a_bare_name_opens_its_entry(name: str, id: str) -> None:
    assert whole(name) == [id]
    assert not find(name).named


def test_a_timeout_is_told_with_the_cancelling_above_it() -> None:
    pasted = (
        "    await asyncio.sleep(9)\n"
        "asyncio.exceptions.CancelledError\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        "TimeoutError"
    )

    assert whole(pasted) == ["CancelledError", "TimeoutError"]


def test_a_name_in_the_middle_of_a_line_is_no_error_that_was_raised() -> None:
    pasted = f"    except WebSocketDisconnect:\n{TEXT}"

    assert whole(pasted) == [TEXT]


@pytest.mark.parametrize("exercise", course.exercises(), ids=lambda ex: ex.id)
def test_the_name_of_a_check_leads_to_the_hints_of_its_exercise(
    exercise: course.Exercise,
) -> None:
    names = [checks.sentence(check) for check in checks.checks_of(exercise)]
    assert names

    for name in names:
        by_pytest = f"test_{name.replace(' ', '_')}"
        for pasted in (name, f"  \u2718 {name}\n", by_pytest):
            lines = shown(pasted)
            assert name in lines
            assert f"python3 learn.py hint {exercise.id}" in "\n".join(lines)
            assert len(lines) <= 3 * 6  # of two or three exercises at most


def test_the_last_check_of_every_answer_is_known() -> None:
    assert whole(checks.LAST) == [checks.LAST]


def test_what_has_to_be_raised_is_explained() -> None:
    assert set(RUNS) <= {entry.title for entry in ERRORS}


# Finding


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("1006", ["1006"]),
        (" close code 1006. ", ["1006"]),
        ("4401", ["4000-4999"]),
        ("3000", ["3000-3999"]),
        ("418", ["0-999"]),
        ("70000", []),
        ("-1", []),
        ("403", ["403"]),
        ("HTTP 403", ["403"]),
        ("M20", ["M20"]),
        ("m1", ["M01"]),
        ("M63", []),
        ("Expecting nothing", []),
    ],
)
def test_numbers_are_found(asked: str, found: list[str]) -> None:
    assert whole(asked) == found


TEXT = 'Cannot call "send" once a close message has been sent'

TRACEBACK = """\
ERROR:    Exception in ASGI application
  + Exception Group Traceback (most recent call last):
  |   File "/x/uvicorn/protocols/websockets/websockets_sansio_impl.py", line 409, in run
  |     result = await self.app(self.scope, self.receive, self.send)
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/x/app.py", line 107, in chat
    |     await asyncio.gather(*(p.send_text(text) for p in people))
    | starlette.websockets.WebSocketDisconnected: Cannot call "send" once a close
    | message has been sent.
    +------------------------------------
"""


@pytest.mark.parametrize(
    "pasted",
    [
        f"{TEXT}.",
        f"starlette.websockets.WebSocketDisconnected: {TEXT}.",
        f"RuntimeError: {TEXT}",
        TEXT.replace('"', ""),  # a shell took the quotation marks
        TEXT.replace('"', "'").upper(),
        TEXT.replace('"', "\u201c"),
        TEXT.replace(" ", "\n  | "),
        f"\x1b[31mERROR\x1b[0m {TEXT.replace('close', chr(27) + '[1mclose')}\x07",
        f"12:00:01 app-1  | {TEXT}\r\n" * 3,
        TEXT.replace("once", "on\nce"),  # a terminal broke the line
    ],
)
def test_an_error_is_found_by_its_text_whatever_stands_around_it(pasted: str) -> None:
    assert whole(pasted) == [TEXT]


@pytest.mark.parametrize(
    "pasted",
    [
        "was never awaited",
        "RuntimeWarning: coroutine 'WebSocket.send_text' was never awaited",
    ],
)
def test_a_missing_await_leads_to_its_misconception(pasted: str) -> None:
    assert shown(pasted)[-1].endswith("explain M42")


@pytest.mark.parametrize(
    ("pasted", "title"),
    [
        ("KeyError: 'ana'", "KeyError: 'ana'"),
        ("KeyError: <starlette.websockets.WebSocket object at 0x1>", "KeyError: 'ana'"),
        ("KeyError: 'text'", "KeyError: 'text', KeyError: 'bytes'"),
    ],
)
def test_a_missing_key_is_told_by_what_it_is(pasted: str, title: str) -> None:
    assert whole(pasted) == [title]


def test_a_whole_traceback_is_found_by_all_that_it_says() -> None:
    assert whole(TRACEBACK) == ["unhandled errors in a TaskGroup", TEXT]


def test_of_many_errors_the_last_ones_are_shown_whole_and_the_others_named() -> None:
    log = ["KeyError: 'text'", "surrogates not allowed", TEXT, "Connect call failed"]
    findings = find("\n".join([*log, log[1]]))

    assert [e.texts[0] for e in findings.whole] == [f"{TEXT}.", log[3], log[1]]
    assert [e.texts[0] for e in findings.named] == [log[0]]


def test_what_is_not_shown_whole_is_named_and_counted() -> None:
    findings = Findings(ENTRIES[:1], ENTRIES)

    told = [line.plain for line in explain.show(findings, 80)]
    alone = [line.plain for line in explain.show(Findings((), ENTRIES[:2]), 80)]

    assert told.index("It also speaks of:") > 1
    assert f"  and {len(ENTRIES) - explain.LISTED} more" in told
    assert alone[0] == "This fits:"
    assert len([line for line in alone if " more" in line and "and" in line]) == 0


def test_what_can_be_asked_for_is_counted() -> None:
    told = "\n".join(line.plain for line in explain.overview(ENTRIES, 80))

    assert f"{len(MISCONCEPTIONS)} misconceptions, docs/misconceptions.md" in told
    assert f"{len(ERRORS)} error texts, docs/errors.md" in told


def test_of_two_texts_the_longer_one_speaks_for_both() -> None:
    refused = "Error 111 connecting to 127.0.0.1:6379. Connect call failed ('::1', 1)"

    assert whole(f"redis.exceptions.ConnectionError: {refused}") == [
        "Error 111 connecting to ..."
    ]


def test_what_stands_above_every_traceback_is_explained_when_nothing_else_is() -> None:
    title = "Exception in ASGI application"

    assert whole(f"ERROR: {title}\nValueError: x") == [title]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("websockets says: received 4401 (private use) out; then sent", "4000-4999"),
        ("WebSocketDisconnect: (1001, '')", "1001"),
        ("closed with <CloseCode.MESSAGE_TOO_BIG: 1009>", "1009"),
        ('127.0.0.1:5 - "WebSocket /ws?a=1" 403', "403"),
        ("INFO:     connection rejected (403 Forbidden)", "403"),
        ("Error during WebSocket handshake: Unexpected response code: 500", "500"),
    ],
)
def test_a_code_within_a_text_is_found(text: str, id: str) -> None:
    findings = find(text)

    assert id in [entry.id for entry in (*findings.whole, *findings.named)]


def test_a_line_number_is_no_close_code() -> None:
    assert (
        find('File "/x/app.py", line 1006, in talk\n    await nothing()') == Findings()
    )


def test_every_hint_and_crash_that_a_check_can_name_leads_to_an_entry() -> None:
    source = Path(misconceptions.__file__).read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    crashes = [
        [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "crashed"
    ]
    texts = {str(crash[1]) for crash in crashes if len(crash) == 2}
    assert len(texts) > 10

    for text in texts:
        findings = find(text)
        assert findings.whole or findings.named, text


def test_every_entry_is_found_by_its_number_or_its_text() -> None:
    for entry in ENTRIES:
        text = entry.id.partition("-")[0] or entry.texts[0].replace("…", "12 (x)")
        assert entry in find(text).whole, entry.name


@pytest.mark.parametrize("width", [40, 80])
def test_every_entry_fits_its_columns_and_shows_no_markup(width: int) -> None:
    for entry in ENTRIES:
        lines = [line.plain for line in explain.show_entry(entry, width)]
        assert max(map(len, lines)) <= width, entry.name
        marked = [x for x in lines if re.search(r"\*\*|`|\]\(|\ue000", x)]
        assert not marked, entry.name


@pytest.mark.parametrize(
    "noise", ["\n", "error ", "'", "\x1b[0m", "closecode ", "m20 "]
)
def test_an_error_at_the_end_of_a_long_log_is_found(noise: str) -> None:
    assert TEXT in whole(f"{noise * 100_000}{TEXT}")


def test_of_a_long_log_full_of_one_error_only_the_end_is_read_line_by_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [f"TimeoutError: try {n} failed\n" for n in range(1000)]
    read: list[str] = []
    by_text = explain.by_text

    def count(text: str, entries: Sequence[Entry]) -> list[Entry]:
        read.append(text)
        return by_text(text, entries)

    monkeypatch.setattr(explain, "by_text", count)

    assert whole("".join(lines)) == ["TimeoutError"]
    assert read[-2].endswith("try 999 failed")
    assert len(read) < 400


def test_a_word_lists_what_fits_titles_first() -> None:
    lines = shown("ping")

    assert lines[0] == "This fits:"
    assert any("M22" in line for line in lines)
    assert "ping" in lines[1].lower()
    assert lines[-1].startswith("More: ")


# The command


def test_alone_it_lists_what_can_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.explain([]) == 0

    said = capsys.readouterr().out
    for way in ("1006", "403", "M20", "docs/errors.md"):
        assert way in said
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize(
    "words",
    [
        ["flurb"],
        [""],
        ["  "],
        ["M99"],
        ["-1"],
        ["--"],
        ["x" * 5000],
        ["\x00\x1b[31m\udcff"],
        ["\u732b" * 100],
        ["(.*"],
        ["[M20](x"],
        [str(10**30)],
    ],
)
def test_nothing_found_is_one_sentence_and_three_examples(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain.explain(words) == 1

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Expected was ")
    assert told.err.count("\n  ") == 3
    assert all(f"explain {example}" in told.err for example in explain.EXAMPLES)
    assert max(map(len, told.err.splitlines())) <= 80
    assert "\x1b" not in told.err


@pytest.mark.parametrize("text", [TRACEBACK.encode(), b"\xff\x00" + TRACEBACK.encode()])
def test_a_hyphen_reads_what_is_pasted(
    text: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text)))

    assert explain.explain(["-"]) == 0
    assert TEXT in capsys.readouterr().out


def test_no_input_at_all_is_an_empty_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert explain.explain(["-"]) == 1
    assert "an empty text" in capsys.readouterr().err


def test_without_its_pages_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain.explain(["1006"], tmp_path) == 1

    assert "git checkout docs" in capsys.readouterr().err


@pytest.mark.parametrize("pasted", [["--- Logging error ---"], ["-x", "1006"], ["-"]])
def test_whatever_follows_explain_is_taken_as_it_is(pasted: list[str]) -> None:
    assert arguments.parse(["explain", *pasted]).words == pasted


def test_learn_py_explains() -> None:
    command = [sys.executable, "-m", "workbook", "explain", "-"]

    done = subprocess.run(
        command,
        cwd=course.ROOT,
        input=TRACEBACK.encode(),
        capture_output=True,
        timeout=DEADLINE,
    )

    assert done.returncode == 0, done.stderr
    assert TEXT in done.stdout.decode()
