"""An app on a real uvicorn in a process of its own."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbook.answer import Answer
from workbook.failure import Failure
from workbook.process import Process
from workbook.server import NotServing, Server

APP = Path(__file__).with_name("client_app.py")

WAITING = """
import asyncio
from fastapi import FastAPI, WebSocket

app = FastAPI()
other = FastAPI()

@app.get("/")
async def page() -> str:
    print("the page was asked for")
    return "hello"

@app.websocket("/ws")
async def wait(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("here")
    await never()

async def never() -> None:
    await asyncio.Event().wait()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file beside nothing else."""
    return tmp_path / "ex9_synthetic.py"


@pytest.fixture
def waiting(file: Path) -> Iterator[Server]:
    file.write_text(WAITING)
    with Server(file) as server:
        yield server


def refusal(file: Path, source: str | bytes) -> Failure:
    """What a check says when it asks for this file's app, and cannot have it."""
    file.write_bytes(source.encode() if isinstance(source, str) else source)
    with Answer(file) as answer, pytest.raises(Failure) as no:
        answer.connect("ana")
    return no.value


def test_it_serves_pages_and_sockets_until_it_is_left(file: Path) -> None:
    file.write_text(WAITING)
    with Server(file) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b'"hello"'
        connection.close()
        process = psutil.Process(server.process.pid)
        assert server.http == f"http://127.0.0.1:{server.port}"

    assert not process.is_running()
    assert "the page was asked for" in server.log
    assert '"GET / HTTP/1.1" 200' in server.log


def test_it_knows_the_lines_at_which_handlers_wait(waiting: Server) -> None:
    with waiting.connect("ana") as ana, waiting.connect("bo") as bo:
        ana.expect("here")
        bo.expect("here")

        assert [line.code for line in waiting.waiting()] == [
            "await asyncio.Event().wait()"
        ] * 2
        assert len(waiting.waiting(ana.port)) == 1
        assert waiting.waiting(1) == []
        assert waiting.running() is None
        ana.abort()
        bo.abort()


def test_of_a_server_that_has_ended_nothing_is_known(waiting: Server) -> None:
    with waiting.connect("ana") as ana:
        ana.expect("here")
        waiting.end()

        assert waiting.waiting() == []
        assert waiting.tasks() is None
        assert waiting.running() is None
        assert waiting.left() == []
        ana.abort()


def test_another_app_of_the_file_can_be_served(file: Path) -> None:
    file.write_text(WAITING)
    with Server(file, app="other") as server, pytest.raises(Failure) as no:
        server.connect("ana")

    assert no.value.got == "HTTP 403 Forbidden"


def test_options_and_environment_reach_the_server(file: Path) -> None:
    source = WAITING.replace('"here"', 'os.environ["ROOM"]').replace(
        "\n", "\nimport os\n", 1
    )
    file.write_text(source)
    with (
        Server(file, env={"ROOM": "blue"}, ws_max_size=5) as server,
        server.connect("ana") as ana,
    ):
        ana.expect("blue")
        ana.send("123456")
        ana.expect_close(1009)


def test_an_app_that_cannot_start_leaves_no_process(file: Path) -> None:
    file.write_text("raise ValueError('no')")
    Process().end()  # whatever makes processes is there now
    before = {p.pid for p in psutil.Process().children(recursive=True)}

    with pytest.raises(NotServing) as no:
        Server(file)

    assert no.value.report is not None
    assert no.value.report["text"] == "no"
    assert {p.pid for p in psutil.Process().children(recursive=True)} <= before


def test_a_process_that_was_prepared_is_used(file: Path) -> None:
    file.write_text(WAITING)
    process = Process()
    with Server(file, process=process) as server, server.connect("ana") as ana:
        ana.expect("here")
        ana.abort()
        assert server.process is process


def test_a_prepared_process_that_has_died_is_replaced(file: Path) -> None:
    file.write_text(WAITING)
    process = Process()
    process.end()
    with Answer(file, process=process) as answer, answer.connect("ana") as ana:
        ana.expect("here")
        ana.abort()


# Files that hold no app


@pytest.mark.parametrize(
    ("source", "got", "look_at"),
    [
        ("x = 1\nx = = 2\n", "SyntaxError: invalid syntax", "py:2  x = = 2"),
        (
            "def f():\nreturn 1\n",
            "IndentationError: expected an indented block after function definition "
            "on line 1",
            "py:2  return 1",
        ),
        (b"x = 'a\x00b'\n", "SyntaxError: source code string cannot contain null", ""),
        (b"x = 'caf\xe9'\n", "SyntaxError: (unicode error) 'utf-8' codec", "py:1  x ="),
        (
            "import flask\n",
            "ModuleNotFoundError: No module named 'flask'",
            "py:1  import",
        ),
        (
            "import fastapii\n",
            "ModuleNotFoundError: No module named 'fastapii'",
            "py:1",
        ),
        (
            "from . import room\n",
            "ImportError: attempted relative import",
            "py:1  from",
        ),
        (
            "from fastapi import WebSocet\n",
            "ImportError: cannot import name 'WebSocet' from 'fastapi'. "
            "Did you mean: 'WebSocket'?",
            "py:1  from fastapi import WebSocet",
        ),
        (
            "number = 1\n\ndef f():\n    return numbr\n\nf()\n",
            "NameError: name 'numbr' is not defined. Did you mean: 'number'?",
            "py:4  return numbr",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_shows_its_line(
    file: Path, source: str | bytes, got: str, look_at: str
) -> None:
    no = refusal(file, source)

    rows = dict(no.lines)
    assert rows["started"] == "ex9_synthetic.py"
    assert rows["got"].startswith(got)
    assert look_at in str(no.where)


@pytest.mark.parametrize(
    ("source", "got"),
    [
        (b"", "no app; FastAPI apps there: none"),
        (
            b"from fastapi import FastAPI\napi = FastAPI()\n",
            "no app; FastAPI apps there: api",
        ),
        (b"\xef\xbb\xbfapp = 'x'\r\n", "str; FastAPI apps there: none"),
    ],
)
def test_a_file_without_an_app_says_what_is_there(
    file: Path, source: bytes, got: str
) -> None:
    no = refusal(file, source)

    assert no.got == got
    assert no.expected == "a FastAPI app named app"
    assert no.hint == "uvicorn looks for the name app in your file: app = FastAPI()"


def test_a_file_of_any_editor_is_served(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + WAITING.encode().replace(b"\n", b"\r\n"))
    with Server(file) as server, server.connect("ana") as ana:
        ana.expect("here")
        ana.abort()


def test_files_named_like_libraries_do_not_stand_in_for_them(file: Path) -> None:
    names = ["websockets", "redis", "json", "fastapi", "asyncio", "uvicorn", "random"]
    for name in names:
        file.with_name(f"{name}.py").write_text("raise ValueError('no library')")
    file.write_text(f"import {', '.join(names)}\nimport redis.asyncio\n{WAITING}")
    with Server(file) as server, server.connect("ana") as ana:
        ana.expect("here")
        ana.abort()


def test_a_file_can_import_one_beside_it(file: Path) -> None:
    file.with_name("room_of_ana.py").write_text("PLACE = 'here'")
    source = WAITING.replace('"here"', "PLACE")
    file.write_text(f"from room_of_ana import PLACE\n{source}")
    with Server(file) as server, server.connect("ana") as ana:
        ana.expect("here")
        ana.abort()
