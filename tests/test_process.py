"""A process that holds a learner's file: its reports, its limits and its end."""

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.waiting import wait_until
from workbook import descendants, forked, process
from workbook.child import FRAMES_KEPT, MARK
from workbook.course import ROOT
from workbook.process import CUT_OFF, STOPPED, Process

LONG = 30.0
"""Seconds that nothing here takes, however busy the machine is."""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[Process, Path]]:
    """A process that waits, and the file that it will be given."""
    it = Process()
    yield it, tmp_path / "program.py"
    it.end()


Program = tuple[Process, Path]


def call(it: Process, file: Path, source: str) -> None:
    """Let it import this source; its functions can be called then."""
    file.write_text(source)
    it.begin({"call": str(file)})


def returned(it: Process, name: str, *arguments: object) -> str:
    answer = it.ask("call", LONG, name=name, arguments=repr(arguments))
    assert answer is not None
    return answer["value"]


def test_a_process_that_is_never_needed_ends(program: Program) -> None:
    it, _ = program

    it.end()

    assert it.status is not None
    assert it.ending is None
    it.end()  # and ending it twice is ending it once


def test_a_function_is_called_again_and_again(program: Program) -> None:
    it, file = program
    call(it, file, "seen = []\n\ndef f(x):\n    seen.append(x)\n    return seen")

    assert it.wait_for("ready", timeout=LONG) is not None
    assert returned(it, "f", "a") == "['a']"
    assert returned(it, "f", b"\xff") == "['a', b'\\xff']"


def test_a_process_without_a_job_is_asked_nothing(program: Program) -> None:
    it, file = program

    assert it.ask("where", LONG) is None
    assert it.where() is None

    call(it, file, "def f():\n    return 1")
    assert returned(it, "f") == "1"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
def test_who_stands_still_does_not_keep_python_busy(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, file = program
    call(it, file, "x = 1")
    assert it.wait_for("ready", timeout=LONG) is not None
    monkeypatch.setattr(process, "ANSWER", 0.1)
    still = psutil.Process(it.pid)
    still.suspend()
    later = threading.Timer(0.5, still.resume)
    later.start()

    where = it.ask("where")

    later.join()
    assert where is not None


def test_what_the_system_does_for_a_process_is_work_of_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, _ = program
    spent = SimpleNamespace(user=1.0, system=2.0)
    monkeypatch.setattr(psutil.Process, "cpu_times", lambda _: spent)

    assert it._computed() == 3.0


def test_no_file_of_the_workbook_stands_in_for_a_library(program: Program) -> None:
    it, file = program
    call(it, file, "import sys\ndef f():\n    return sys.path")

    path = ast.literal_eval(returned(it, "f"))

    assert path[-2:] == [str(ROOT), f"{file.parent}/"]
    assert "" not in path
    assert path.count(str(ROOT)) == 1


def test_each_question_gets_its_own_answer(program: Program) -> None:
    it, file = program
    go = file.with_name("go")
    waits = f"while not Path({str(go)!r}).exists(): time.sleep(0.001)"
    source = f"import time\nfrom pathlib import Path\ndef f():\n    {waits}\n"
    call(it, file, f"{source}\ndef g():\n    return 2")

    assert it.ask("call", 0.0, name="f", arguments="()") is None
    where = it.ask("where", LONG)
    go.touch()

    assert where is not None
    assert where["is"] == "where"
    assert returned(it, "g") == "2"


def test_of_a_deep_traceback_the_innermost_lines_are_told(program: Program) -> None:
    it, file = program
    call(it, file, "def f():\n    return g()\ndef g():\n    return f()")

    answer = it.ask("call", LONG, name="f", arguments="()")

    assert answer is not None
    assert answer["crash"]["error"] == "RecursionError"
    assert len(answer["crash"]["frames"]) == FRAMES_KEPT


def test_what_is_printed_is_kept_apart_from_what_is_logged(program: Program) -> None:
    it, file = program
    file.write_text(
        "import sys\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "print('to stdout')\nprint('to stderr', file=sys.stderr)\n"
    )
    it.begin({"serve": str(file), "app": "app", "options": {}, "constants": {}})
    assert it.wait_for("ready", timeout=LONG) is not None

    it.end()

    assert it.printed == "to stdout\nto stderr\n"
    assert it.last_prints() == ["to stdout", "to stderr"]
    assert it.last_prints(1) == ["to stderr"]
    assert "Application startup complete" in it.output
    assert "to stdout" in it.output


def test_a_warning_is_logged_before_the_answer_that_follows(program: Program) -> None:
    it, file = program
    call(it, file, "async def g(): ...\ndef f():\n    g()\n    return 1")

    assert returned(it, "f") == "1"

    assert "coroutine 'g' was never awaited" in it.output
    assert "never awaited" not in it.printed


def test_of_endless_output_the_beginning_and_the_end_are_kept(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "OUTPUT_KEPT", 2000)
    it, file = program
    call(it, file, "print('first')\nprint('x' * 100_000)\nprint('last')")
    assert it.wait_for("ready", timeout=LONG) is not None

    it.end()

    assert it.printed.startswith("first\nxxx")
    assert it.printed.endswith("xxx\nlast\n")
    assert "\n[...]\n" in it.printed
    assert len(it.printed) < 2100


def test_bytes_that_are_no_text_can_be_printed(program: Program) -> None:
    it, file = program
    call(it, file, "import os\nos.write(1, b'caf\\xe9\\n')")
    assert it.wait_for("ready", timeout=LONG) is not None

    it.end()

    assert it.printed == "caf\ufffd\n"


def test_only_what_carries_the_key_is_a_report(program: Program) -> None:
    it, file = program
    lie = '{"is": "ready", "key": "", "port": 1, "routes": []}'
    source = (
        f"import os\nfor n in range(1, 9):\n    try: os.write(n, b'''{lie}\n1\n''')"
    )
    call(it, file, f"{source}\n    except OSError: pass\nraise ValueError('the truth')")

    report = it.wait_for("ready", "failed", timeout=LONG)

    assert report is not None
    assert (report["is"], report["text"]) == ("failed", "the truth")


def test_it_ends_when_it_is_told_to(program: Program) -> None:
    it, file = program
    call(it, file, "x = 1")
    assert it.wait_for("ready", timeout=LONG) is not None

    it.interrupt()

    assert it.join(LONG) == STOPPED


def test_a_wait_ends_with_the_process_and_not_with_its_limit(program: Program) -> None:
    it, file = program
    began = time.monotonic()
    call(it, file, "import os, time\nif os.fork() == 0: time.sleep(1000)\nos._exit(7)")

    assert it.wait_for("ready", "failed", timeout=1000) is None  # the fork has the pipe

    assert time.monotonic() - began < LONG
    assert it.status == 7
    it.end()
    assert it.left_behind == ["a copy of your program"]


def test_a_report_written_just_before_the_end_is_not_lost(program: Program) -> None:
    it, file = program
    call(it, file, "raise SystemExit(3)")

    report = it.wait_for("ready", "failed", timeout=LONG)

    assert report is not None
    assert report["error"] == "SystemExit"


def test_why_it_was_ended_is_said_once(program: Program) -> None:
    it, file = program
    call(it, file, "while True: pass")
    deadline = time.monotonic() + LONG
    while (it.where() or {"running": None})["running"] is None:
        assert time.monotonic() < deadline

    it.end("it was late")
    it.end("another reason")

    assert it.ending == "it was late"
    where = it.where()
    assert where is not None
    assert where["running"][1:] == [1, "while True: pass"]


def test_who_ended_by_itself_was_not_ended_by_us(program: Program) -> None:
    it, file = program
    call(it, file, "import os; os._exit(5)")
    assert it.join(LONG) == 5

    it.end("it was late")

    assert it.ending is None


def test_it_ends_itself_when_nobody_is_there_to_ask(program: Program) -> None:
    it, file = program
    call(it, file, "while True: pass")

    assert it._popen.stdin is not None
    it._popen.stdin.close()

    assert it.join(LONG) == CUT_OFF


def test_the_environment_is_passed_on(tmp_path: Path) -> None:
    it = Process(env={"ROOM": "blue"})
    try:
        source = "import os\ndef f():\n    return os.environ['ROOM']"
        call(it, tmp_path / "program.py", source)
        assert returned(it, "f") == "'blue'"
    finally:
        it.end()


def test_only_descendants_are_found() -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    it = Process()
    try:
        assert descendants.find(it.pid, it.mark, it._popen.born) == set()
        mine = descendants.find(
            psutil.Process().pid, "no mark", psutil.Process().create_time()
        )
        assert {other.pid, it.pid} <= {found.pid for found in mine}
    finally:
        it.end()
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_number_that_means_another_process_now_is_left_alone() -> None:
    """Numbers of processes are used again: the time of its start tells them apart."""
    me = psutil.Process()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = descendants.find(me.pid, "no mark", me.create_time() - 1)
        assert child.pid not in {one.pid for one in found}
    finally:
        child.communicate(b"\n")


def test_who_has_ended_and_was_not_asked_for_does_not_run() -> None:
    me = psutil.Process()
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie

        found = descendants.find(me.pid, "no mark", me.create_time())

        assert child.pid not in {one.pid for one in found}
    finally:
        child.wait()


# How it comes to be


needs_fork = pytest.mark.skipif(not forked.IS_POSSIBLE, reason="only Linux forks")

WITNESS = """
import os, random, signal, sys, threading
from pathlib import Path

def f():
    fds = Path("/proc/self/fd").iterdir()
    handlers = map(signal.getsignal, sorted(signal.valid_signals()))
    return {
        "argv": sys.argv,
        "cwd": os.getcwd(),
        "ends": [os.readlink(fd) for fd in fds if fd.exists()],
        "env": dict(os.environ),
        "fastapi": "fastapi" in sys.modules,
        "flags": str(sys.flags),
        "leads": os.getsid(0) == os.getpgid(0) == os.getpid(),
        "path": sys.path,
        "random": random.random(),
        "signals": [getattr(h, "__name__", str(h)) for h in handlers],
        "umask": os.umask(0),
        "wakeup": signal.set_wakeup_fd(-1),
    }
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    """A fork server of our own that has imported what an app needs."""
    monkeypatch.setattr(forked, "_server", None)
    for _ in range(2):
        Process().end()
    mine = forked._server
    assert mine is not None
    yield psutil.Process(mine._popen.pid)
    mine.end()


def facts(it: Process, file: Path) -> dict[str, object]:
    call(it, file, WITNESS)
    return ast.literal_eval(returned(it, "f"))


@needs_fork
def test_a_fork_is_like_a_process_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: psutil.Process
) -> None:
    monkeypatch.setenv("ROOM", "green")
    fork = Process(env={"MORE": "caf\udce9"})
    monkeypatch.setattr(forked, "IS_POSSIBLE", False)
    other = Process(env={"MORE": "caf\udce9"})
    try:
        found = [facts(it, tmp_path / "program.py") for it in (fork, other)]
        for it, seen in zip((fork, other), found, strict=True):
            env = psutil.Process(it.pid).environ()
            assert env[MARK] == it.mark == dict(seen["env"]).pop(MARK)

        for seen in found:
            del seen["random"], seen["ends"], seen["fastapi"], seen["env"][MARK]
        assert found[0] == found[1]
    finally:
        fork.end()
        other.end()


@needs_fork
def test_forks_share_no_pipe_and_no_chance(
    tmp_path: Path, server: psutil.Process
) -> None:
    two = [Process(), Process()]
    try:
        one, other = (facts(it, tmp_path / "program.py") for it in two)
    finally:
        for it in two:
            it.end()

    assert one["random"] != other["random"]
    assert one["fastapi"] is other["fastapi"] is True
    assert set(one["ends"]) & set(other["ends"]) == {os.devnull}
    assert all(end.startswith(("/dev/null", "pipe:", "/proc")) for end in one["ends"])


@needs_fork
def test_the_first_fork_waits_for_no_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked, "_server", None)
    it = Process()
    try:
        assert facts(it, tmp_path / "program.py")["fastapi"] is False
    finally:
        it.end()
        assert forked._server is not None
        forked._server.end()


@needs_fork
def test_the_server_has_one_thread_and_keeps_nothing_of_a_fork(
    server: psutil.Process,
) -> None:
    before = server.num_fds()

    it = Process()
    assert psutil.Process(it.pid).ppid() == server.pid
    it.end()

    assert server.num_threads() == 1
    assert server.num_fds() == before
    assert server.children() == []


@needs_fork
def test_whose_end_is_told_late_has_not_cut_itself_off(
    tmp_path: Path, server: psutil.Process
) -> None:
    it = Process()
    try:
        call(it, tmp_path / "program.py", "import os\ndef f():\n    os._exit(5)")
        assert it.wait_for("ready", timeout=LONG) is not None
        server.suspend()
        assert it.ask("call", LONG, name="f", arguments="()") is None
        later = threading.Timer(0.5, server.resume)
        later.start()

        cut_off = it.is_cut_off()

        later.join()
        assert not cut_off
        assert it.status == 5
    finally:
        it.end()


@needs_fork
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_without_its_server_a_fork_ends_and_the_next_has_another(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: psutil.Process,
    fault: signal.Signals,
) -> None:
    it, file = Process(), tmp_path / "program.py"
    call(it, file, "def f():\n    return 1")
    assert returned(it, "f") == "1"
    fork = psutil.Process(it.pid)

    server.send_signal(fault)
    with monkeypatch.context() as hurry:
        hurry.setattr(forked, "PATIENCE", 0.5)
        it.end("it was late")

    assert it.status == -signal.SIGKILL
    assert not descendants.is_alive(fork)
    # One that is dying may still be asked, and never answer.
    wait_until(lambda: not descendants.is_alive(server), "the server is dead")
    unborn, after = Process(), Process()
    unborn.end()
    call(after, file, "def f():\n    return 2")
    assert returned(after, "f") == "2"
    after.end()
    assert forked._server is not None
    forked._server.end()


def test_where_there_are_no_forks_a_process_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked, "IS_POSSIBLE", False)
    it = Process()
    try:
        call(it, tmp_path / "program.py", "def f():\n    return 1")
        assert returned(it, "f") == "1"
        it.interrupt()
        assert it.join(LONG) == STOPPED
    finally:
        it.end()
