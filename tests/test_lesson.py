"""What notebooks import: a server in the kernel, drawings, a check."""

import asyncio
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from fastapi import FastAPI, WebSocket, WebSocketException
from nbclient.exceptions import CellExecutionError
from redis import ConnectionError, Redis
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode

from benchmarks import why_not_http
from chapters.ch01_echo.app import PAGE, app, echo
from tests.small_course import SOLVED, make_course
from workbook import anatomy, book, checks, course, desk, lesson
from workbook.course import find_exercise
from workbook.failure import Failure
from workbook.progress import PLACE, Progress, digest
from workbook.threaded import ThreadedServer, fold
from workbook.wire import Wire

pytest_plugins = ["pytester"]


def test_a_server_in_a_thread_serves_and_stops() -> None:
    with ThreadedServer(app) as server, server.connect("ana") as ana:
        ana.send("hello")
        ana.expect("Message text was: hello")

    with pytest.raises(Failure, match="no answer"):
        server.connect("ana")
    assert server.log == 'INFO:     127.0.0.1:PORT - "WebSocket /ws" [accepted]'


def test_stopping_tells_who_is_still_there() -> None:
    server = ThreadedServer(app)
    ana = server.connect("ana")

    server.stop()

    ana.expect_close(1012)


def test_serving_the_same_app_again_stops_the_server_before() -> None:
    with lesson.serve(app) as first, lesson.serve(app) as second:
        with pytest.raises(Failure, match="no answer"):
            first.connect("ana")
        second.connect("ana").close()


def test_two_apps_are_served_beside_each_other_with_logs_of_their_own() -> None:
    other = FastAPI(title="another")

    with lesson.serve(app) as one, lesson.serve(other) as two:
        one.connect("ana").close()
        with pytest.raises(Failure, match="403"):
            two.connect("bo")

    assert "[accepted]" in one.log
    assert "403" not in one.log
    assert "403" in two.log


def test_of_two_functions_the_app_is_the_one_that_takes_a_scope() -> None:
    async def pure(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    with lesson.serve(pure) as server, server.connect("ana") as ana:
        ana.send("hello")
        ana.expect("Message text was: hello")


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("Hello!")
    await websocket.close()


async def refuse(websocket: WebSocket) -> None:
    raise WebSocketException(1008, "nobody comes in")


@pytest.mark.parametrize(
    ("handler", "seen"),
    [
        (greet, 'text "Hello!"'),
        (refuse, "HTTP 403 Forbidden"),
    ],
)
def test_who_knocks_is_told_what_came_first(
    handler: Callable[..., object], seen: str
) -> None:
    wire = Wire()

    with lesson.serve(handler) as server:
        assert lesson.knock(server, who="bo", wire=wire) == seen

    assert wire.clients == ["bo"]
    assert [event.mark for event in wire if event.mark] == []


def test_an_app_that_does_not_start_is_told_with_its_log() -> None:
    async def refuse(scope: object, receive: object, send: object) -> None:
        raise OSError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        ThreadedServer(refuse, lifespan="on")


async def crash(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_text()


def test_an_attempt_tells_what_was_seen_and_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome = lesson.attempt(crash, b"\x00")

    assert outcome.saw == ["the connection ended without a close frame (1006)"]
    assert outcome.log.endswith("KeyError: 'text'")
    assert [event.kind for event in outcome.wire][-1] == "end"
    assert capsys.readouterr().out.splitlines() == [
        "crash",
        "  ana saw  the connection ended without a close frame (1006)",
        "  the log  KeyError: 'text'",
    ]


async def forget(websocket: WebSocket) -> None:
    websocket.accept()
    gc.collect()  # some interpreters tell only then


def test_a_forgotten_await_is_in_the_log_each_time() -> None:
    for _ in range(2):
        log = lesson.attempt(forget).log

        assert "RuntimeWarning: coroutine 'WebSocket.accept' was never awaited" in log


async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def test_an_attempt_can_leave_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert lesson.attempt(listen, "hello", leave="close").saw == [
        "nothing more: she had left"
    ]
    assert "no warning, no error" in capsys.readouterr().out


async def leave_one_running() -> None:
    print("one")
    await asyncio.gather(asyncio.sleep(60), fail())


async def fail() -> None:
    print("two")
    raise OSError("no room")


async def run_to_the_end() -> None:
    print("the end")


def test_a_run_tells_what_was_printed_raised_and_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = lesson.run(leave_one_running())

    assert (ran.printed, str(ran.error), ran.left) == (
        ["one", "two"],
        "no room",
        ["sleep"],
    )
    assert capsys.readouterr().out.splitlines() == [
        "leave_one_running",
        "  1  one",
        "  2  two",
        "  raised   OSError: no room",
        "  goes on  sleep",
    ]


def test_a_run_has_a_loop_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    async def cell() -> lesson.Ran:
        return lesson.run(run_to_the_end())

    ran = asyncio.run(cell())

    assert (ran.error, ran.left) == (None, [])
    assert capsys.readouterr().out == "run_to_the_end\n  1  the end\n"


def test_a_folded_traceback_has_no_path_and_few_frames() -> None:
    try:
        Frame(Opcode.PING, b"x" * 126).serialize(mask=False)
    except Exception as error:
        lines = fold(error)

    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith("  tests/test_lesson.py, in test_a_folded")
    assert "  … frames of libraries: 1 …" in lines
    assert lines[-1] == "ProtocolError: control frame too long"
    assert not [line for line in lines if str(Path.cwd()) in line]


def test_a_function_is_shown_from_its_file() -> None:
    shown = lesson.show(echo).forms["text/markdown"]

    assert shown.startswith("`chapters/ch01_echo/app.py`\n\n```python\n@app.websocket(")
    assert "websocket.close(1003" in shown
    assert "echo_raw" not in shown


def test_a_function_of_a_page_is_shown_whole_and_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<script>\n  function one() {\n    if (x) {\n    }\n    two();\n  }\n"
        "  function two() {\n  }\n</script>"
    )

    assert lesson.show(page, "one").forms["text/plain"] == (
        "function one() {\n  if (x) {\n  }\n  two();\n}"
    )
    with pytest.raises(LookupError, match=r"page.html has no function three"):
        lesson.show(page, "three")


def test_the_page_is_shown_by_its_place_in_the_workbook() -> None:
    page = PAGE.parent / ".." / "ch01_echo" / "page.html"

    assert (
        lesson.show(page, "connect")
        .forms["text/markdown"]
        .startswith("`chapters/ch01_echo/page.html`\n\n```js\nfunction connect() {")
    )


def test_a_wire_is_drawn_as_svg_and_as_text() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "<hello>")

    forms = lesson.draw(wire, "one & only")._repr_mimebundle_()

    picture = ElementTree.fromstring(forms["image/svg+xml"])
    assert picture.findtext("{*}title") == "one & only"
    assert 'text "<hello>"' in forms["text/plain"]


def test_a_lost_text_is_marked_where_it_should_have_come() -> None:
    wire = Wire()
    for text in ("one", "three"):
        wire.record("bo", "in", "text", text)
        wire.record("ana", "in", "text", "two")
    wire.record("bo", "in", "close", code=1000)

    marked = lesson.lost(wire, "bo", ["one", "two", "three", "four"])

    came = [(e.client, e.data or e.mark) for e in marked if e.kind != "close"]
    assert came == [
        ("bo", "one"),
        ("ana", "two"),
        ("bo", 'lost: text "two"'),
        ("bo", "three"),
        ("ana", "two"),
        ("bo", 'lost: text "four"'),
    ]
    assert [event.number for event in marked] == list(range(7))
    assert len(wire) == 5  # as it was


def test_a_wire_without_a_loss_stays_as_it_was() -> None:
    wire = Wire()
    wire.record("bo", "in", "text", "one")
    wire.record("bo", "in", "text", "one")

    assert lesson.lost(wire, "bo", ["one", "one"]).events == wire.events


def test_two_links_lead_to_one_redis_and_the_second_of_a_name_closes_the_first() -> (
    None
):
    first, other = lesson.link(), lesson.link("other")
    second = lesson.link()

    assert first.broker is other.broker is second.broker
    assert first.broker.private
    with Redis.from_url(other.url) as client, client.pubsub() as pubsub:
        pubsub.subscribe("chat")
        assert other.until(lambda r: r.subscriptions() == {"chat": 1}, within=30)
        assert second.publish("chat", "hello") == 1
    with pytest.raises(ConnectionError):
        Redis.from_url(first.url).ping()


KEY = bytes.fromhex("0a1b2c3d")


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("masked", [True, False])
def test_a_frame_is_taken_apart(size: int, masked: bool) -> None:
    payload = bytes(n % 256 for n in range(size))
    data = Frame(Opcode.BINARY, payload).serialize(mask=masked)

    frame = anatomy.parse(data + b"and what follows")

    assert (frame.opcode, frame.length, frame.message) == ("binary", size, payload)
    assert len(frame.key) == 4 * masked
    assert frame.wide == (0 if size < 126 else 2 if size < 65_536 else 8)


@pytest.mark.parametrize("cut", [0, 1, 5, 11])
def test_a_frame_that_is_cut_off_is_refused(cut: int) -> None:
    data = Frame(Opcode.TEXT, b"hi bo!").serialize(mask=True)

    with pytest.raises(ValueError, match=f"not a whole frame: {cut} bytes"):
        anatomy.parse(data[:cut])


def test_a_frame_is_drawn_as_svg_and_told_as_text() -> None:
    data = bytes.fromhex("8186 0a1b2c3d 62720c5f653a")

    forms = lesson.draw_frame(data, "a frame").forms

    picture = ElementTree.fromstring(forms["image/svg+xml"])
    words = [element.text or "" for element in picture.iter() if element.text]
    assert words[0] == "a frame"
    assert words[1:3] == ["byte 0: 81", "byte 1: 86"]
    assert "".join(words).endswith("686920626f21hi␣bo!as text")
    assert forms["text/plain"].splitlines() == [
        "                1  FIN: the last piece",
        "              000  RSV1-3: no extension is used",
        "             0001  opcode: text",
        "                1  MASK: a key follows",
        "          0000110  length: 6 bytes",
        "      0a 1b 2c 3d  masking key",
        "62 72 0c 5f 65 3a  payload, masked",
        "68 69 20 62 6f 21  payload: b'hi bo!'",
    ]


@pytest.mark.parametrize("id", ["1.1", 1.1], ids=repr)
def test_a_solved_exercise_is_green_and_kept_as_progress(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    id: str | float,
) -> None:
    run = checks.run
    monkeypatch.setenv(PLACE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(checks, "run", lambda ex, process: run(ex, ex.solution))

    lesson.check(id)

    exercise = find_exercise("1.1")
    assert capsys.readouterr().out.startswith("✔ 1.1 shout: all ")
    assert Progress.of().record(exercise).passed == digest(exercise.path)


@pytest.mark.parametrize("id", ["9.9", 9.9, "1.2.3", "", None], ids=repr)
def test_an_exercise_that_is_not_there_is_an_error_of_one_sentence(id: Any) -> None:
    with pytest.raises(lesson.NoExercise, match=r"^There is no .* There are: ") as told:
        lesson.check(id)

    assert told.value.__suppress_context__


def test_a_notebook_shows_of_an_unknown_exercise_its_sentence_alone() -> None:
    v4: Any = nbformat.v4
    cell = v4.new_code_cell("from workbook.lesson import check\ncheck(9.9)")
    notebook = v4.new_notebook(cells=[cell])

    with pytest.raises(CellExecutionError):  # nobody takes it for green
        book.execute(notebook, course.ROOT)

    [output] = notebook.cells[0].outputs
    assert output.output_type == "error"
    assert " ".join(output.traceback).startswith("There is no chapter '9'. There are: ")
    assert len(output.traceback) <= 2


PRINTS_AND_RAISES = """
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    print("somebody is there")
    async for text in websocket.iter_text():
        answer(text)


def answer(text: str) -> None:
    raise ValueError("what now?")
"""

SAYS_IT_BACK = """
from workbook.answer import Answer


def test_it_lets_ana_in(ex1_double: Answer) -> None:
    ex1_double.connect("ana").close()


def test_it_says_it_back(ex1_double: Answer) -> None:
    with ex1_double.connect("ana") as ana:
        ana.send("hello")
        ana.expect("hello", hint="Say it back.")
"""


def words(*told: str) -> list[str]:
    """What a verdict says: its lines without the drawing and its times."""
    lines = [" ".join(line.split()) for line in "\n".join(told).splitlines()]
    return [
        line for line in lines if line and not re.search(r"[│╳┊]|^ana server$", line)
    ]


def test_terminal_pytest_and_notebook_say_the_same_and_share_the_progress(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exercise = make_course(pytester.path)[0]
    exercise.path.write_text(PRINTS_AND_RAISES)
    (exercise.chapter.tests / "test_exercises.py").write_text(SAYS_IT_BACK)
    monkeypatch.setenv(PLACE, str(pytester.path / ".progress.json"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(lesson, "find_exercise", lambda id: exercise)
    shown: list[lesson.Shown] = []
    monkeypatch.setattr(lesson, "_display", shown.append)

    desk.check("1.1", pytester.path)
    by_terminal = words(capsys.readouterr().out)[:-1]  # where to get a hint
    by_terminal.remove("the run, drawn: .progress.runs/1.1.svg")  # a cell draws it
    lesson.check("1.1")
    cell = capsys.readouterr().out
    options = ["-p", "workbook.plugin", "-p", "no:cacheprovider", "--mine"]
    run = pytester.runpytest_inprocess(*options, exercise.chapter.tests)

    picture, trace = (output.forms for output in shown)
    message, head, printed = cell.partition("  your program printed, at last:")
    head = "traceback, your lines only:\n" + trace["text/plain"] + "\n" + head
    assert words(message, head, printed) == by_terminal
    assert words(picture["text/plain"]) == []  # a drawing, and nothing else
    assert "what now?" in message
    assert "somebody is there" in printed
    first = by_terminal.index('ana sent text "hello"')
    by_pytest = words(run.stdout.str())
    begin = by_pytest.index(by_terminal[first])
    told = by_pytest[begin : begin + len(by_terminal) - first]
    assert told == by_terminal[first:]
    assert Progress.of().record(exercise).tries == 1


def test_the_same_cell_run_again_judges_the_file_as_it_is_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exercise = make_course(tmp_path)[0]
    monkeypatch.setenv(PLACE, str(tmp_path / ".progress.json"))
    monkeypatch.setattr(lesson, "find_exercise", lambda id: exercise)

    lesson.check("1.1")
    before = capsys.readouterr().out
    exercise.path.write_text(SOLVED)
    lesson.check("1.1")
    after = capsys.readouterr().out
    desk.list_all(tmp_path)

    assert before.startswith("✘ 1.1 double: not yet, check 1 of 2 fails")
    assert after.startswith("✔ 1.1 double: all 2 checks pass")
    assert "✔ 1.1 double   passed" in capsys.readouterr().out


def test_a_word_on_the_socket_costs_its_letters_and_six_bytes() -> None:
    by_post, by_socket = why_not_http.say_back("thanks")

    assert by_socket == 2 + 4 + len("thanks")  # head, masking key, payload
    assert by_post > 100  # two heads, the request's and the answer's


def test_what_was_measured_is_told_in_a_table_and_in_words() -> None:
    row = why_not_http.Row("by pigeon", 3, up=1_000, down=234, latencies=[1, 2.5, 900])

    assert why_not_http.table([row]).splitlines() == [
        "                    requests   bytes up  bytes down     median",
        "by pigeon                  3      1,000         234     2.5 ms",
    ]
    picture = why_not_http.picture([row])
    assert "by pigeon: 1,234 bytes, median 2.5 ms late" in picture.alt
    assert picture.data.startswith(b"\x89PNG")
