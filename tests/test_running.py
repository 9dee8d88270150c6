"""`learn.py run` and `notebook`: they start, start again, and end at once."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import psutil
import pytest
from redis import Redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.small_course import save
from tests.waiting import wait_until
from workbook import arguments, commands, lab, running, serving
from workbook.broker import engines

pytestmark = pytest.mark.timeout(300)  # seconds; more than two of the deadlines

ROOT = Path(__file__).parents[1]
DEADLINE = 100.0
"""Seconds for what takes one, on a machine that is busy with other tests. What does not
end by itself would go on for ever."""

GENEROUS = "PATIENCE = 30.0"
"""In place of what a server gets to stop by itself, where it does: a machine that stood
still meanwhile must not end it by force."""

HEAD = """
import asyncio
from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse("the page")


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
"""
POLITE = HEAD + "    await websocket.receive()\n"
DEAF = HEAD + "    while True:\n        await asyncio.sleep(0.01)\n"
BLOCKED = HEAD + "    while True:\n        pass\n"


class Run:
    """`python -m workbook ...` in a folder, and what it has said so far."""

    def __init__(
        self, root: Path, *argv: str, start: Sequence[str] = (), **env: str
    ) -> None:
        self.output = root / "said"
        # JupyterLab asks before it ends where somebody could answer: at a terminal.
        self.terminal, stdin = os.openpty()
        with self.output.open("wb") as said, os.fdopen(stdin) as terminal:
            self.process = subprocess.Popen(
                [sys.executable, *start, "-m", "workbook", *argv],
                cwd=root,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **env},
                stdin=terminal,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")  # a letter may be half there

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until it has said `text`, so many times."""

        def told() -> bool:
            return self.process.poll() is not None or self.count(text) >= times

        wait_until(told, f"it says {text!r}", DEADLINE)
        assert self.count(text) >= times, self.said

    def count(self, text: str) -> int:
        return self.said.count(text)

    @property
    def address(self) -> str:
        """The host and port of its page."""
        self.wait_for("Ctrl-C ends it.")
        found = re.search(r"http://(127\.0\.0\.1:\d+)", self.said)
        assert found is not None
        return found[1]

    def page(self) -> str:
        """The page, which may take until the server is up."""
        with urllib.request.urlopen(f"http://{self.address}", timeout=DEADLINE) as page:
            return page.read().decode()

    def stop(self) -> None:
        """Ctrl-C, and the end that follows."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE)

    def end(self) -> None:
        """End it by force, if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


Start = Callable[..., Run]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workbook with one chapter, whose app a test writes."""
    shutil.copytree(ROOT / "workbook", tmp_path / "workbook")
    set_patience(tmp_path, f"PATIENCE = {running.PATIENCE}", GENEROUS)
    for folder in ("chapters/ch01_echo/exercises", "solutions/ch01_echo", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "chapters/ch01_echo/app.py").write_text(POLITE)
    (tmp_path / "solutions/ch01_echo/ex1_shout.py").write_text("app = 1\n")
    (tmp_path / "solutions/ch01_echo/ex2_mask.py").write_text("def mask(): ...\n")
    return tmp_path


def set_patience(root: Path, before: str, after: str) -> None:
    """Give a server in this folder another time to stop by itself."""
    module = root / "workbook/running.py"
    source = module.read_text()
    assert f"\n{before}\n" in source
    module.write_text(source.replace(f"\n{before}\n", f"\n{after}\n"))


@pytest.fixture
def app(root: Path) -> Path:
    return root / "chapters/ch01_echo/app.py"


@pytest.fixture
def start(root: Path) -> Iterator[Start]:
    """Starts the workbook; what has not ended by the end of the test is killed."""
    runs: list[Run] = []

    def start(*argv: str, **env: str) -> Run:
        runs.append(Run(root, *argv, **env))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


# Starting


def test_it_says_where_the_page_is_and_serves_it(start: Start) -> None:
    run = start("run", "1", "--port", "0")

    assert run.page() == "the page"
    assert run.said.startswith(f"Chapter 1, echo: http://{run.address}\n")
    assert "Save a file in chapters/ch01_echo and it starts again." in run.said


def test_it_does_not_compress_what_stays_on_one_machine(start: Start) -> None:
    run = start("run", "1", "--port", "0", "--no-reload")
    run.page()

    with connect(f"ws://{run.address}/ws") as client:
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers


def test_an_exercise_runs_as_a_chapter_does(start: Start, root: Path) -> None:
    exercise = root / "chapters/ch01_echo/exercises/ex1_shout.py"
    exercise.write_text(POLITE.replace("the page", "the exercise"))

    run = start("run", "1.1", "--port", "0", "--no-reload")

    assert run.page() == "the exercise"
    assert run.said.startswith("Exercise 1.1, shout: ")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("1.2", "Exercise 1.2 is about functions: there is no app to run."),
        ("1.1", "chapters/ch01_echo/exercises/ex1_shout.py is missing"),
        ("1.7", "There is no exercise '1.7'. There are: 1.1 (shout), 1.2 (mask)."),
        ("7", "There is no chapter '7'. There are: 1 (echo)."),
    ],
)
def test_what_cannot_run_gets_one_sentence(
    target: str, said: str, start: Start
) -> None:
    run = start("run", target)

    assert run.process.wait(DEADLINE) in (1, 2)
    assert said in run.said
    assert "Traceback" not in run.said


# Ending, and starting again


@pytest.mark.parametrize(
    ("source", "option", "told"),
    [
        (POLITE, "--no-reload", "Shutting down"),
        (POLITE, "--no-browser", "Shutting down"),
        (DEAF, "--no-browser", "A handler did not end when its connection was closed"),
        (DEAF, "--workers=2", "A handler did not end when its connection was closed"),
        (BLOCKED, "--no-browser", "The server did not stop by itself"),
    ],
    ids=["polite", "polite, with reload", "deaf", "deaf, of two", "blocked"],
)
def test_ctrl_c_ends_it_at_once_while_a_tab_holds_its_socket(
    source: str, option: str, told: str, start: Start, root: Path, app: Path
) -> None:
    app.write_text(source)
    if source == BLOCKED:  # for ever, so it is not worth the wait
        set_patience(root, GENEROUS, f"PATIENCE = {running.PATIENCE}")
    run = start("run", "1", "--port", "0", option)
    run.wait_for("startup complete")

    with connect(f"ws://{run.address}/ws", proxy=None) as websocket:
        websocket.recv(timeout=DEADLINE)
        run.stop()

    assert run.process.returncode == 0
    assert told in run.said
    assert source != POLITE or "Cancel" not in run.said
    assert "Traceback" not in run.said
    assert is_refused(run.address)


def test_a_handler_is_cancelled_before_its_server_is_ended_by_force() -> None:
    assert serving.GRACE < running.PATIENCE


def test_a_save_starts_it_again_also_while_a_tab_holds_its_socket(
    start: Start, app: Path
) -> None:
    run = start("run", "1", "--port", "0")
    run.wait_for("startup complete")

    with connect(f"ws://{run.address}/ws", proxy=None) as websocket:
        websocket.recv(timeout=DEADLINE)
        save(app, POLITE.replace("the page", "a new page"))
        with pytest.raises(ConnectionClosed) as closed:
            websocket.recv(timeout=DEADLINE)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert run.page() == "a new page"
    assert "\napp.py was saved: starting again.\n" in run.said


def test_what_is_saved_before_anybody_watches_counts_once(
    root: Path, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[str] = []

    def start() -> None:
        starts.append(app.read_text())
        if len(starts) == 1:
            save(app, DEAF)

    def watched(*_: object, **__: object) -> Iterator[set[tuple[int, str]]]:
        yield set()
        yield {(1, str(app))}  # of the same save, and late
        save(app, BLOCKED)
        yield {(1, str(app))}

    monkeypatch.setattr(running, "ROOT", root)
    monkeypatch.setattr("watchfiles.watch", watched)
    server = SimpleNamespace(
        app=running.App("", app), start=start, stop=lambda: None, ended=lambda: None
    )

    with pytest.raises(KeyboardInterrupt):
        running.keep_running(cast(running.Server, server))

    assert starts == [POLITE, DEAF, BLOCKED]


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("app.py", True),
        ("page.html", True),
        ("exercises/ex1_shout.py", True),
        ("exercises/ex2_sum.py", False),
        ("__pycache__/app.cpython-311.pyc", False),
        ("README.md", False),
        (".#app.py", False),
    ],
)
def test_what_an_exercise_uses_is_watched(path: str, counts: bool) -> None:
    folder = ROOT / "chapters/ch01_echo"
    app = running.App("Exercise 1.1", folder / "exercises/ex1_shout.py")

    assert app.folder == folder
    assert app.uses(folder / path) is counts


class Counted(running.Server):
    """A server that is only told to start."""

    starts = 0

    def start(self) -> None:
        self.starts += 1


@pytest.fixture
def counted() -> Iterator[Counted]:
    file = ROOT / "chapters/ch01_echo/exercises/ex1_shout.py"
    with running.listen(0) as listener:
        yield Counted(running.App("Exercise 1.1", file), listener, browser=False)


def test_a_save_of_another_file_starts_nothing(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def watch(
        folder: Path, *, watch_filter: Callable[[object, str], bool], **_: object
    ) -> Iterator[set[object]]:
        names = ("ex1_shout.py", "ex2_sum.py")
        asked.extend(watch_filter(None, f"{folder}/exercises/{name}") for name in names)
        return iter([])

    monkeypatch.setattr("watchfiles.watch", watch)
    with pytest.raises(KeyboardInterrupt):
        running.keep_running(counted)

    assert asked == [True, False]
    assert counted.starts == 1


@pytest.mark.parametrize(("ended", "status"), [(0, 0), (3, 1), (-9, 1)])
def test_without_reload_a_server_that_fails_is_our_failure(
    counted: Counted, monkeypatch: pytest.MonkeyPatch, ended: int, status: int
) -> None:
    monkeypatch.setattr(counted, "wait", lambda: ended)

    assert running.run_once(counted) == status
    assert counted.starts == 1


def test_of_a_single_worker_nothing_is_said(counted: Counted) -> None:
    assert [*running.heading(counted, "", None)] == [f"Exercise 1.1: {counted.url}"]


def test_the_server_ends_when_the_one_that_watches_is_killed(start: Start) -> None:
    run = start("run", "1", "--port", "0")
    run.wait_for("startup complete")

    run.process.kill()

    wait_until(
        lambda: "Finished server process" in run.said, "the server ends", DEADLINE
    )
    wait_until(lambda: is_refused(run.address), "nobody listens any more", DEADLINE)


BLOCKS = """
import os
import signal
from workbook.running import end_with_parent

end_with_parent(os.getppid())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.kill(os.getpid(), signal.SIGINT)
print(signal.SIGINT in signal.sigpending())
"""


def test_ctrl_c_is_left_to_the_main_thread() -> None:
    """Where that one cannot have it now, no other takes it: it waits."""
    run = subprocess.run(
        [sys.executable, "-c", BLOCKS],
        cwd=ROOT,
        timeout=DEADLINE,
        capture_output=True,
        text=True,
    )

    assert run.stdout == "True\n", run.stderr


def test_all_ends_when_the_one_that_started_it_is_killed(root: Path) -> None:
    """As when learn.py is killed, or the terminal's window with it."""
    start = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    run = Run(root, "run", "1", "--port", "0", start=["-c", start, sys.executable])
    run.wait_for("startup complete")

    run.end()

    wait_until(
        lambda: "Finished server process" in run.said, "the server ends", DEADLINE
    )
    # The one that watched held the listener too, and ends by itself after it.
    wait_until(lambda: is_refused(run.address), "nobody listens any more", DEADLINE)


def is_refused(address: str) -> bool:
    """Whether nobody listens there."""
    host, port = address.split(":")
    with socket.socket() as probe:
        probe.settimeout(DEADLINE)
        # By one that is just ending a connection may also be reset.
        return probe.connect_ex((host, int(port))) == errno.ECONNREFUSED


# Redis, and several workers


@pytest.fixture
def relay(root: Path) -> Path:
    """A chapter 5 whose app talks through Redis."""
    app = root / "chapters/ch05_redis/app.py"
    app.parent.mkdir()
    shutil.copy(ROOT / "tests/apps/relay.py", app)
    return app


PRIVATE = {"WORKBOOK_REDIS": next(engines(None)).word}
"""The best private engine of this machine."""


def redis_of(run: Run) -> str:
    """The address of the Redis that it has said it uses."""
    run.wait_for("Ctrl-C ends it.")
    found = re.search(r"^Redis: redis://(127\.0\.0\.1:\d+) \(.*private", run.said, re.M)
    assert found is not None, run.said
    return found[1]


def test_two_workers_talk_through_a_redis_that_was_started_for_them(
    start: Start, relay: Path
) -> None:
    run = start("run", "5", "--port=0", "--workers=2", **PRIVATE)
    address = redis_of(run)
    run.wait_for("startup complete", times=2)
    save(relay, relay.read_text())
    run.wait_for("startup complete", times=4)

    with Redis.from_url(f"redis://{address}", decode_responses=True) as redis:
        wait_until(
            lambda: redis.pubsub_numsub("chat") == [("chat", 2)],
            "both processes listen",
            DEADLINE,
        )
        with connect(f"ws://{run.address}/ws", proxy=None) as websocket:
            websocket.send("hello")
            said = websocket.recv(timeout=DEADLINE)
    run.stop()

    assert said == "hello"
    assert "2 workers share the port, and no memory" in run.said
    assert "app.py was saved: starting again." in run.said
    assert run.process.returncode == 0
    assert is_refused(address)
    assert "Traceback" not in run.said


def test_neither_worker_nor_redis_outlives_those_that_are_killed(
    start: Start, relay: Path
) -> None:
    run = start("run", "5", "--port=0", "--workers=2", "--no-reload", **PRIVATE)
    address = redis_of(run)
    run.wait_for("startup complete", times=2)
    (supervisor,) = (
        process
        for process in psutil.Process(run.process.pid).children()
        if "workbook.serving" in process.cmdline()
    )

    run.process.kill()
    supervisor.kill()

    wait_until(lambda: is_refused(address), "nobody listens any more", DEADLINE)
    wait_until(lambda: is_refused(run.address), "nobody listens any more", DEADLINE)


def test_an_app_that_asks_for_no_redis_gets_none(start: Start) -> None:
    run = start("run", "1", "--port=0", REDIS_URL="redis://127.0.0.1:1")

    run.wait_for("Ctrl-C ends it.")

    assert "Redis" not in run.said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (
            {"REDIS_URL": "redis://127.0.0.1:1", "WORKBOOK_REDIS": ""},
            "REDIS_URL is redis://127.0.0.1:1, where no Redis answers: ",
        ),
        ({"WORKBOOK_REDIS": "mine"}, "WORKBOOK_REDIS is 'mine', which is no engine."),
    ],
)
def test_a_redis_that_cannot_be_had_gets_one_sentence(
    env: Mapping[str, str], said: str, start: Start, relay: Path
) -> None:
    run = start("run", "5", "--port=0", **env)

    assert run.process.wait(DEADLINE) == 1
    assert run.said.startswith(said)
    assert run.count("\n") == 2
    assert "unset" in run.said


@pytest.mark.parametrize("number", ["0", "17", "two"])
def test_a_number_of_workers_that_makes_no_sense_is_told(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments.parse(["run", "5", "--workers", number])

    assert (
        f"{number!r} is no number of workers: 1 to 16 are." in capsys.readouterr().err
    )


# A file that cannot be served


def test_a_mistake_is_shown_with_its_line_and_mending_it_is_enough(
    start: Start, app: Path
) -> None:
    app.write_text("x = 1\nprint('hello'\n")
    run = start("run", "1", "--port", "0")
    run.wait_for("Save a file to start it again")
    told = run.said

    save(app, POLITE)

    assert run.page() == "the page"
    assert (
        "chapters/ch01_echo/app.py, line 2: '(' was never closed (SyntaxError).\n"
        "    print('hello'\n"
        "         ^\n"
    ) in told
    assert "Traceback" not in run.said


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which, for this process, `chapters` is imported."""
    (tmp_path / "chapters").mkdir()
    monkeypatch.setattr(serving, "ROOT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    others = forget_chapters()
    yield tmp_path
    forget_chapters()
    sys.modules.update(others)


def forget_chapters() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "chapters"]
    return {name: sys.modules.pop(name) for name in names}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "from fastapi import FastAPI\n\nserver = FastAPI()\n",
            "app.py has no `app`, the name that the server looks for.\n"
            "Your application is called `server` in line 3: rename it.",
        ),
        ("x = 1\n", "app.py has no `app`, the name that the server looks for.\nIt ne"),
        ("app = 'mine'\n", "app.py: `app` is of type str, not a FastAPI application."),
        (
            "import fastapi\napp = fastapi.FastApi()\n",
            "app.py, line 2: module 'fastapi' has no attribute 'FastApi'"
            " (AttributeError).\n    app = fastapi.FastApi()",
        ),
        ("import sys\nsys.exit(0)\n", "app.py, line 2: it ends the program while it"),
        ("raise ValueError\n", "app.py, line 1: no more is said (ValueError)."),
        ("if True:\nx = 1\n", "app.py, line 2: expected an indented block after 'if'"),
    ],
    ids=["renamed", "missing", "other", "wrong name", "exit", "silent", "indent"],
)
def test_a_file_without_a_usable_app_gets_one_sentence(
    source: str, told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "chapters/app.py").write_text(source)

    status = serving.serve(Path("chapters/app.py"), 0, "", 1, None)

    error = capsys.readouterr().err
    assert status == running.NOT_STARTED
    assert told in error
    assert error.count("\n") <= 3
    assert "Traceback" not in error


# The port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with running.listen(0) as sock:
        yield sock.getsockname()[1]


def test_the_next_free_port_is_taken_and_the_holder_is_named(taken: int) -> None:
    listener, note = running.claim(None, taken)

    with listener:
        port: int = listener.getsockname()[1]
    assert taken < port < taken + running.PORTS_TRIED
    assert note.startswith(f"Port {taken} is held by ")
    assert note.endswith(f"(process {os.getpid()}): {port} it is.")


def test_the_holder_is_who_listens_on_this_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = [(1, 1), (2, None), (2, os.getpid())]
    monkeypatch.setattr(running, "listeners", lambda: iter(seen))

    assert running.holder(2).endswith(f"(process {os.getpid()})")
    assert running.holder(3) == "another program"


def test_a_port_that_was_asked_for_and_is_taken_ends_it(
    taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    app = running.App("Chapter 1, echo", ROOT / "chapters/ch01_echo/app.py")

    status = running.run(app, port=taken, browser=False, reload=True)

    assert status == 1
    error = capsys.readouterr().err
    assert f"(process {os.getpid()}): end that, choose another port" in error
    assert error.count("\n") == 1


def test_a_port_that_is_kept_for_the_system_is_told() -> None:
    assert "choose one above 1023" in running.why_not(80, PermissionError(13, "no"))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/usr/bin/python3", "-m", "http.server"], "python3 -m http.server"),
        (["/x/python", "-m", "workbook", "run", "2"], "another learn.py run 2"),
        (
            ["/x/python", "-m", "workbook.serving", "chapters/ch02/app.py", "8000", ""],
            "another learn.py, with chapters/ch02/app.py",
        ),
        (["node", "x" * 100], f"node {'x' * 52}..."),
        ([], "a program"),
    ],
)
def test_a_process_is_named_in_a_few_words(command: list[str], words: str) -> None:
    assert running.described(command, 42) == f"{words} (process 42)"


# The browser


@pytest.mark.parametrize(
    ("env", "opens"),
    [
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "x"}, True),
        ({}, False),
        ({"SSH_CONNECTION": "x"}, False),
        ({"DISPLAY": ":0", "CI": "true"}, False),
        ({"DISPLAY": ":0", "TERM": "dumb"}, False),
        ({"DISPLAY": ":0", "CODESPACES": "true"}, False),
        ({"DISPLAY": ":0", "REMOTE_CONTAINERS": "true"}, False),
    ],
)
def test_a_browser_is_opened_where_somebody_sees_it(
    env: Mapping[str, str], opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert running.may_open_browser(env) is opens


def test_no_browser_is_opened_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)

    assert not running.may_open_browser({"DISPLAY": ":0"})


def test_a_server_ends_whose_parent_has_ended_before_it_could_look(root: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    command = [sys.executable, "-m", "workbook.serving", "chapters/ch01_echo/app.py"]

    server = subprocess.Popen([*command, "0", "", "1", str(parent.pid)], cwd=root)

    assert server.wait(DEADLINE)  # by SIGTERM, or by force if that takes long


def test_the_page_is_opened_when_the_server_answers(root: Path) -> None:
    opened = root / "opened"
    browser = root / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" >> "{opened}"\n')
    browser.chmod(0o755)
    listener = running.listen(0)
    number = listener.fileno()
    command = [sys.executable, "-m", "workbook.serving", "chapters/ch01_echo/app.py"]
    command += ["0", "http://the-page/", "1", str(os.getpid()), str(number)]

    with listener:
        server = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "BROWSER": str(browser)},
            pass_fds=[number],
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(
            lambda: opened.exists() and opened.read_text().endswith("\n"),
            "the browser is opened",
            DEADLINE,
        )
        server.terminate()
        _, log = server.communicate(timeout=DEADLINE)

    assert opened.read_text() == "http://the-page/\n"
    assert "Application startup complete" in log


def test_the_address_in_a_codespace_is_the_one_outside() -> None:
    env = {
        "CODESPACE_NAME": "fluffy",
        "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
    }

    assert running.address(8000, env) == "https://fluffy-8000.app.github.dev"
    assert running.address(8000, {}) == "http://127.0.0.1:8000"


# JupyterLab


def test_jupyterlab_runs_on_this_python_without_news_and_ends_at_once(
    start: Start, tmp_path: Path
) -> None:
    other = tmp_path / "home/.local/share/jupyter/kernels/python3"
    other.mkdir(parents=True)
    kernel = {"argv": ["/bin/false"], "display_name": "another", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(kernel))
    run = start("notebook", HOME=str(tmp_path / "home"))
    run.wait_for("Ctrl-C ends it.")
    found = re.search(
        r"JupyterLab: (http://127\.0\.0\.1:\d+)/lab/tree/\S+(\?\S+)", run.said
    )
    assert found is not None
    base, token = found.groups()

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(base.rpartition(":")[2]))) == 0

    wait_until(answers, "it answers", DEADLINE)
    specs = json.loads(fetch(f"{base}/api/kernelspecs{token}"))
    page = fetch(f"{base}/lab{token}")
    run.stop()

    argv = specs["kernelspecs"]["python3"]["spec"]["argv"]
    assert argv[:3] == ["python", "-m", "ipykernel_launcher"]
    assert "another" not in json.dumps(specs)
    assert re.search(rf'"disabledExtensions": [\[{{]\s*"{lab.NEWS}', page)
    assert run.process.returncode == 0
    assert "Traceback" not in run.said


def test_the_question_about_news_is_switched_off_in_this_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    lab.without_news()
    lab.without_news()

    config = tmp_path / "etc/jupyter/labconfig/page_config.json"
    assert json.loads(config.read_text()) == {"disabledExtensions": {lab.NEWS: True}}


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        return answer.read().decode()


def test_a_notebook_that_is_missing_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = ROOT / "notebooks" / "ch77_none.ipynb"

    assert lab.open_notebook(missing) == 1
    assert "git checkout notebooks/ch77_none.ipynb" in capsys.readouterr().out


def test_the_notebook_of_a_chapter_is_the_one_that_opens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Path | None] = []
    monkeypatch.setattr(lab, "open_notebook", lambda path: opened.append(path) or 0)

    commands.do(arguments.parse(["notebook", "1"]))
    commands.do(arguments.parse(["notebook"]))

    assert opened == [ROOT / "notebooks/ch01_echo.ipynb", None]
