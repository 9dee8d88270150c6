"""learn.py: its arguments, the making of .venv, and the handing over to it."""

import ast
import errno
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import DEADLINE, wait_until
from workbook import arguments, commands, environment, launch

ROOT = Path(__file__).parents[1]

FAKE_UV = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import os, pathlib, sys, time
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(os.getpid(), file=calls)
while (here / "wait").exists():
    time.sleep(0.02)
if (here / "fail").exists():
    sys.exit((here / "fail").read_text())
venv = pathlib.Path(sys.argv[sys.argv.index("--python") + 1]).parents[1]
for package in venv.glob("lib/python*/site-packages"):
    (package / "tiny.py").touch()
"""
"""Stands in for uv, which needs the network: takes note of its calls, and "installs"
one module. It can be told to wait and to fail, which the real one does not do. To a
shell its second line is a call of Python, whose path may have a space in it."""

CHILD = """
import os, sys, time
print(sys.argv[1:], os.getcwd(), sys.flags.utf8_mode, os.environ.get("PYTHONPATH"))
try:
    print(sys.prefix, flush=True)  # the signal may come from here on
    while "wait" in sys.argv:
        time.sleep(0.01)  # and not one long wait, just before which it may come
except KeyboardInterrupt:
    sys.exit(7)
sys.exit(5)
"""
"""Stands in for the workbook in .venv: says what it was given."""


# The arguments


def test_help_works_where_nothing_is_installed() -> None:
    bare = [sys.executable, "-S", "-E", str(ROOT / "learn.py"), "--help"]

    done = subprocess.run(bare, capture_output=True, text=True, timeout=DEADLINE)

    assert done.returncode == 0
    assert "run 1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("verb", arguments.VERBS)
def test_every_verb_is_in_the_overview_and_explains_itself(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        arguments.parse([verb, "--help"])

    said = capsys.readouterr().out
    assert f"learn.py {verb}" in said
    assert arguments.VERBS[verb][0] in said
    assert f"\n  {verb} " in arguments.OVERVIEW
    assert verb in commands.VERBS


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["rnu", "1"], "There is no command `rnu`. Did you mean `run`?"),
        (["zzz"], "There is no command `zzz`."),
        (["run"], "The following arguments are required: N[.M]."),
        (["run", "1", "--port", "x"], "'x' is no port"),
        (["run", "1", "--port", "70000"], "'70000' is no port"),
        (["hint", "1.2", "1.3"], "Unrecognized arguments: 1.3."),
    ],
)
def test_wrong_arguments_get_one_sentence_and_a_way_out(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments.parse(argv)

    error = capsys.readouterr().err
    assert said in error
    assert "--help" in error
    assert error.count("\n") == 1


def test_without_a_command_it_lists() -> None:
    assert arguments.parse([]).verb == "list"


def test_arguments_of_test_go_to_pytest_with_their_paths_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("test_x.py").touch()

    given = arguments.parse(["test", "-x", "test_x.py::test_one", "-k", "echo"])

    path = f"{tmp_path / 'test_x.py'}::test_one"
    assert given.pytest_args == ["-x", path, "-k", "echo"]


@pytest.mark.parametrize(
    ("given", "alone"),
    [([], False), (["-x"], False), (["--pdb"], True), (["-n0"], True)],
)
def test_the_suite_runs_in_several_processes_unless_that_makes_no_sense(
    given: list[str], alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(pytest, "main", lambda argv: called.append(argv) or 3)

    status = commands.do(arguments.parse(["test", *given]))

    assert status == 3
    assert called == [[*([] if alone else commands.WORKERS), *given]]


# A Python that is too old


def test_the_file_is_readable_for_old_pythons() -> None:
    """No Python before 3.8 is at hand here, so its grammar is asked for."""
    tree = ast.parse((ROOT / "learn.py").read_text(), feature_version=(3, 7))

    new = (ast.JoinedStr, ast.AnnAssign, ast.FunctionDef, ast.Starred, ast.NamedExpr)
    assert [node for node in ast.walk(tree) if isinstance(node, new)] == []


def test_a_python_that_is_too_old_is_told_so_with_a_way_out(tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.symlink_to(sys.executable)
    old = (
        "import runpy, sys; sys.version_info = (3, 8, 18); sys.version = '3.8.18 x';"
        "sys.argv[1:] = ['run', '1']; runpy.run_path('learn.py')"
    )

    done = subprocess.run(
        [sys.executable, "-c", old],
        env={"PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert done.returncode == 1
    assert done.stderr == (
        "The workbook needs Python 3.11 or newer, and this is 3.8.18.\n"
        "Way out: this machine has one: python3.12 learn.py run 1\n"
    )


# What stops a set-up


def test_an_unknown_chapter_is_told_before_anything_is_set_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").touch()

    status = launch.main(["run", "77"], tmp_path)

    assert status == 2
    assert "There is no chapter '77'." in capsys.readouterr().err
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("name", ["redis.py", "typing.py"])
def test_a_file_named_like_a_library_is_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).touch()
    (tmp_path / "requirements.txt").touch()

    status = launch.main(["list"], tmp_path)

    assert status == 1
    assert f"{name} in this folder hides" in capsys.readouterr().err


def test_a_file_named_like_pythons_own_does_not_stop_learn_py_itself(
    tmp_path: Path,
) -> None:
    shutil.copy(ROOT / "learn.py", tmp_path)
    shutil.copytree(ROOT / "workbook", tmp_path / "workbook")
    (tmp_path / "argparse.py").write_text("raise SystemExit('the wrong argparse')")

    done = subprocess.run(
        [sys.executable, str(tmp_path / "learn.py"), "list"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert "argparse.py in this folder hides" in done.stderr
    assert done.returncode == 1


def test_a_missing_list_of_requirements_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch.main(["list"], tmp_path) == 1
    assert "git checkout requirements.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "this folder may not be written to"),
        (errno.EACCES, "this folder may not be written to"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EIO, "for a reason the workbook does not know"),
    ],
)
def test_a_folder_that_cannot_be_filled_gets_one_sentence_and_a_way_out(
    number: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The suite may run as root, whom no folder refuses: so mkdir is made to fail."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), ".venv")

    (tmp_path / "requirements.txt").touch()
    monkeypatch.setattr(Path, "mkdir", refuse)

    assert launch.main(["list"], tmp_path) == 1
    error = capsys.readouterr().err
    assert f"Set-up failed{',' if 'reason' in said else ':'} {said}" in error
    assert os.strerror(number) in error
    assert "same command" in error


OFFLINE = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by"
    " 'NewConnectionError(': Failed to establish a new connection: [Errno -3]"
    " Temporary failure in name resolution')'"
)
NO_PIP = (
    "The virtual environment was not created successfully because ensurepip is not\n"
    "available.  On Debian/Ubuntu systems, you need to install the python3-venv"
)


@pytest.mark.parametrize(
    ("output", "cause", "way_out"),
    [
        (OFFLINE, "the network does not answer", "HTTPS_PROXY"),
        ("  Caused by: client error (Connect)", "the network does not", "HTTPS_PROXY"),
        (NO_PIP, "comes without ensurepip", "sudo apt install python3-venv"),
        ("python3: No module named venv", "without ensurepip", "python3-venv"),
        ("OSError: [Errno 28] No space left on device", "the disk is full", "600 MB"),
        ("invalid peer certificate: UnknownIssuer", "certificate", "SSL_CERT_FILE"),
        ("[WinError 32] being used by another process", "in use", "End what runs"),
        ("something else", "does not know", "Run the same command again"),
    ],
)
def test_what_an_installer_says_is_understood(
    output: str, cause: str, way_out: str
) -> None:
    sentence = environment.cause_and_way_out(output)

    assert cause in sentence
    assert way_out in sentence


# Making .venv


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with one package in it, to install from without the network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    about = "tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return folder


def workbook_in(folder: Path) -> Path:
    """A small workbook whose .venv needs one package, with learn.py and CHILD."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "learn.py", folder)
    (folder / "workbook").mkdir()
    for module in ("__init__", "arguments", "environment", "launch"):
        shutil.copy(ROOT / "workbook" / f"{module}.py", folder / "workbook")
    (folder / "workbook" / "__main__.py").write_text(CHILD)
    (folder / "workbook" / "course.py").write_text("def find(target): pass")
    (folder / "requirements.txt").write_text("tiny==1.0\n")
    return folder


def learn(root: Path, *argv: str, path: Path, **env: str) -> "subprocess.Popen[str]":
    """learn.py in `root`, with nothing but `path` to find programs in."""
    return subprocess.Popen(
        [sys.executable, str(root / "learn.py"), *argv],
        env={"PATH": str(path), "PYTHONPATH": "/nowhere", **env},
        cwd=path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal: whoever runs the tests may have one
    )


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with FAKE_UV, and nothing else on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "uv").write_text(FAKE_UV.format(python=sys.executable))
    (folder / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workbook_in(tmp_path / "workbook of ana")


@pytest.fixture
def calls(uv: Path) -> Callable[[], int]:
    """How often uv has been called, and has said so."""
    noted = uv / "calls"
    return lambda: noted.read_text().count("\n") if noted.exists() else 0


def test_where_there_is_no_uv_pip_sets_up_and_uv_would_be_told_what_pip_is(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For real, and the one test that takes seconds: so it looks at two things."""
    root = workbook_in(tmp_path / "workbook")
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    process = learn(root, "list", path=nothing, PIP_NO_COMPILE="1", **offline)

    _, told = process.communicate(timeout=DEADLINE)

    assert process.returncode == 5, told
    assert "fetching uv" in told
    assert "installing the packages with pip" in told
    python = environment.python_of(root / ".venv")
    assert subprocess.run([python, "-c", "import tiny, pip"]).returncode == 0
    assert environment.State(root).is_ready()
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/x\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    setup = environment.Setup(root, environment.Progress(), None)
    assert setup.settings_of_pip()["UV_DEFAULT_INDEX"] == "http://127.0.0.1:9/x"


def test_a_fresh_clone_is_set_up_once(
    root: Path, calls: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    python = environment.ensure(root)
    told = capsys.readouterr().err

    again = environment.ensure(root)

    assert python == again == environment.python_of(root / ".venv")
    assert "Setting up in .venv" in told
    assert "installing the packages" in told
    assert "Ready after" in told
    assert capsys.readouterr().err == ""
    assert calls() == 1


def test_new_requirements_are_put_into_the_same_environment(
    root: Path, calls: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    environment.ensure(root)
    (root / ".venv" / "theirs").touch()
    (root / "requirements.txt").write_text("tiny==2.0\n")

    environment.ensure(root)

    assert "Bringing .venv up to date" in capsys.readouterr().err
    assert (root / ".venv" / "theirs").exists()
    assert calls() == 2


def test_an_environment_of_the_learners_own_is_filled_and_kept(
    root: Path, uv: Path, calls: Callable[[], int]
) -> None:
    command = [sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")]
    subprocess.run(command, check=True)
    (root / ".venv" / "theirs").touch()

    environment.ensure(root)

    assert (root / ".venv" / "theirs").exists()
    assert calls() == 1


def lose_python(root: Path) -> None:
    environment.python_of(root / ".venv").unlink()


def break_python(root: Path) -> None:
    lose_python(root)
    environment.python_of(root / ".venv").symlink_to("/bin/false")
    (root / "requirements.txt").write_text("tiny==2.0\n")


def lose_a_package(root: Path) -> None:
    (environment.packages_of(root / ".venv") / "tiny.py").unlink()


def stop_in_the_middle(root: Path) -> None:
    environment.State(root).write(filling=True)


def make_it_of_another_python(root: Path) -> None:
    break_python(root)
    (root / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.10.4\n")


def make_it_elsewhere(root: Path) -> None:
    state = environment.State(root)
    said = state.read()
    elsewhere = str(root / "before" / ".venv")
    key = said["key"].replace(str(root / ".venv"), elsewhere)
    state.write(**{**said, "key": key, "place": elsewhere})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lose_python, "its Python has gone"),
        (break_python, "its Python does not run"),
        (lose_a_package, "some of its packages have gone"),
        (stop_in_the_middle, "it is only half filled"),
        (make_it_of_another_python, "it is of Python 3.10 and this is"),
        (make_it_elsewhere, "it was made in another folder"),
    ],
)
def test_a_broken_environment_is_made_again(
    damage: Callable[[Path], None],
    reason: str,
    root: Path,
    calls: Callable[[], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.ensure(root)
    (root / ".venv" / "theirs").touch()
    damage(root)

    python = environment.ensure(root)

    assert f"Making .venv again: {reason}" in capsys.readouterr().err
    assert not (root / ".venv" / "theirs").exists()
    assert subprocess.run([python, "-c", "import tiny"]).returncode == 0
    assert calls() == 2


def test_two_at_once_set_up_once(
    root: Path, uv: Path, calls: Callable[[], int]
) -> None:
    (uv / "wait").touch()
    first = learn(root, "list", path=uv)
    wait_until(lambda: calls() == 1, "uv is called")
    second = learn(root, "list", path=uv)
    assert second.stderr is not None
    waiting = second.stderr.readline()
    (uv / "wait").unlink()

    ends = [process.communicate(timeout=DEADLINE) for process in (first, second)]

    assert "waiting for another learn.py" in waiting
    assert [first.returncode, second.returncode] == [5, 5]
    assert all(str(root / ".venv") in out for out, _ in ends)
    assert calls() == 1


def test_after_one_that_is_killed_its_installer_is_waited_for_and_all_made_again(
    root: Path, uv: Path, calls: Callable[[], int]
) -> None:
    environment.ensure(root)
    (root / "requirements.txt").write_text("tiny==2.0\n")
    (uv / "wait").touch()
    killed = learn(root, "list", path=uv)
    wait_until(lambda: calls() == 2, "uv is called again")
    killed.kill()
    killed.communicate(timeout=DEADLINE)
    second = learn(root, "list", path=uv)
    assert second.stderr is not None
    waiting = second.stderr.readline()
    (uv / "wait").unlink()

    _, told = second.communicate(timeout=DEADLINE)

    assert "waiting for another learn.py" in waiting
    assert "Making .venv again: it is only half filled." in told
    assert second.returncode == 5
    assert calls() == 3


def test_ctrl_c_stops_a_set_up_and_its_installer(
    root: Path, uv: Path, calls: Callable[[], int]
) -> None:
    (uv / "wait").touch()
    process = learn(root, "list", path=uv)
    wait_until(lambda: calls() == 1, "uv is called")

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)

    assert process.returncode == launch.INTERRUPTED
    assert err.endswith("\nStopped. The same command takes it up again.\n")
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(int((uv / "calls").read_text()), 0)


def test_ctrl_c_while_the_installer_starts_ends_it_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            signal.raise_signal(signal.SIGINT)
            assert self.poll() is None  # and it is waited for

    setup = environment.Setup(root, environment.Progress(), None)
    monkeypatch.setattr(subprocess, "Popen", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        setup.run("sleeping", sys.executable, "-c", "import time; time.sleep(1000)")

    (process,) = started
    assert process.returncode == -signal.SIGTERM
    with process:  # closes its pipe
        pass


def test_a_failure_shows_the_end_of_what_was_said_and_keeps_all_of_it(
    root: Path,
    uv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (uv / "fail").write_text("the frobnicator is out of order")
    monkeypatch.setattr(environment, "importable", lambda *_: True)

    assert launch.main(["list"], root) == 1

    error = capsys.readouterr().err
    log = root / ".venv" / "workbook-setup.log"
    assert "Set-up failed, for a reason the workbook does not know." in error
    assert "fetching uv, the quick installer, then installing the packages" in error
    assert "No module named pip" in error
    assert f"All of it: {log}" in error
    assert "the frobnicator is out of order" in log.read_text()
    assert "Traceback" not in error


# Handing over


@pytest.fixture
def ready(root: Path, uv: Path) -> Path:
    """A workbook that is set up."""
    environment.ensure(root)
    return root


def test_the_workbook_gets_its_arguments_a_clean_environment_and_its_folder(
    ready: Path, uv: Path
) -> None:
    process = learn(ready, "hint", "1.2", path=uv)

    out, err = process.communicate(timeout=DEADLINE)

    told = f"['hint', '1.2'] {ready} 1 None\n{ready / '.venv'}\n"
    assert (process.returncode, out, err) == (5, told, "")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 7), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_is_the_workbooks_and_so_is_the_exit_status(
    number: signal.Signals, status: int, ready: Path, uv: Path
) -> None:
    process = learn(ready, "watch", "wait", path=uv)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()

    process.send_signal(number)
    _, err = process.communicate(timeout=DEADLINE)

    assert process.returncode == status
    assert err == ""
