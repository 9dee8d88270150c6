"""`learn.py doctor` names each trap, with the error in which a student meets it."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

from workbook import doctor, environment, running
from workbook.arguments import LEARN
from workbook.broker import engines, free_port
from workbook.doctor import Finding

ROOT = Path(__file__).parents[1]
DEADLINE = 60.0


class Usage(NamedTuple):
    """What `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding that there is."""
    (finding,) = findings
    return finding


def test_where_all_is_well_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = [f"{name}=={version(name)}" for name in ("fastapi", "websockets")]
    (tmp_path / "requirements.txt").write_text("\n".join(pins))

    status = doctor.examine(tmp_path)

    said = capsys.readouterr().out
    assert status == 0, said
    assert "\nAll is well.\n" in said
    assert "ok     All 2 packages are here as requirements.txt pins.\n" in said
    assert "ok     uvicorn finds a WebSocket library: websockets.\n" in said
    assert "ok     Notebooks run on this Python (kernel python3).\n" in said


def test_what_is_wrong_is_counted_and_is_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "requirements.txt").write_text("nosuchpackage==1.0\n")
    (tmp_path / "redis.py").touch()

    status = doctor.examine(tmp_path, first="Set-up failed: of something.\nDo this.")

    said = capsys.readouterr().out
    assert status == 1
    assert said.startswith("wrong  Set-up failed: of something.\n       Do this.\n")
    assert "\n3 to mend, see above.\n" in said


def test_a_test_that_breaks_does_not_silence_the_others() -> None:
    def broken() -> Finding:
        raise OSError("no such kernel")

    finding = only(doctor.look(broken))

    assert finding.state == "wrong"
    assert finding.seen == "OSError: no such kernel"


def test_it_needs_nothing_installed() -> None:
    code = (
        "import sys; sys.path.append('.'); from pathlib import Path;"
        "from workbook import doctor; doctor.examine(Path('.'), first='No .venv.')"
    )

    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert done.stderr == ""
    assert "wrong  No .venv.\n" in done.stdout
    assert "\n1 to mend, see above.\n" in done.stdout


# Each trap


def test_an_old_python() -> None:
    assert doctor.python_version((3, 11, 2)).state == "ok"

    finding = doctor.python_version((3, 10, 13))

    assert finding.state == "wrong"
    assert (
        finding.seen == "AttributeError: module 'asyncio' has no attribute 'TaskGroup'"
    )
    assert finding.way_out is not None


def test_a_missing_ensurepip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "is_here", lambda module: module != "ensurepip")
    monkeypatch.setenv("PATH", "")

    finding = doctor.venv_module(tmp_path)

    assert finding.state == "wrong"
    assert "ensurepip is not available" in (finding.seen or "")
    assert "sudo apt install python3-venv" in (finding.way_out or "")


def test_a_missing_ensurepip_does_not_matter_where_there_is_uv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "is_here", lambda _: False)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/uv")

    assert doctor.venv_module(tmp_path).state == "ok"


def test_a_python_that_the_system_keeps_and_a_powershell_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda *_, **__: str(tmp_path))
    monkeypatch.setattr(sys, "platform", "win32")

    managed, powershell = doctor.system_python()

    assert managed.seen == "error: externally-managed-environment"
    assert "running scripts is disabled on this system" in (powershell.seen or "")
    assert {managed.state, powershell.state} == {"note"}


def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite may run as root, whom no folder refuses: so this fails."""

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "/x/tmpabc")

    assert doctor.writable(tmp_path).state == "ok"
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)

    finding = doctor.writable(tmp_path)

    assert finding.state == "wrong"
    assert finding.seen == "[Errno 13] Permission denied"


def test_a_disk_that_is_nearly_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(9, 9, 200_000_000))

    finding = doctor.room(tmp_path)

    assert finding.state == "wrong"
    assert finding.text == "The disk is nearly full: 0.2 GB are free."
    assert "No space left on device" in (finding.seen or "")


@pytest.mark.parametrize(
    "path",
    [
        "redis.py",
        "json.py",
        "websockets/__init__.py",
        "chapters/ch01_echo/fastapi.py",
        "chapters/ch01_echo/exercises/asyncio.py",
        "notebooks/pytest.py",
    ],
)
def test_a_file_named_like_a_library(path: str, tmp_path: Path) -> None:
    (tmp_path / "chapters/ch01_echo/exercises").mkdir(parents=True)
    (tmp_path / "workbook").mkdir()
    (tmp_path / "workbook/__init__.py").touch()
    assert only(doctor.names_in_the_way(tmp_path)).state == "ok"
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()

    finding = only(doctor.names_in_the_way(tmp_path))

    shown = path.removesuffix("/__init__.py")
    assert finding.state == "wrong"
    assert finding.text == f"{shown} hides the library `{Path(shown).stem}`."
    assert "most likely due to a circular import" in (finding.seen or "")


def test_a_name_that_only_the_environment_knows(tmp_path: Path) -> None:
    (environment.packages_of(tmp_path / ".venv") / "obscure").mkdir(parents=True)
    (tmp_path / "obscure.py").touch()
    (tmp_path / "mine.py").touch()

    assert environment.in_the_way(tmp_path, [tmp_path]) == [tmp_path / "obscure.py"]


def test_an_environment_that_is_missing_or_broken(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()

    missing = doctor.virtual_environment(tmp_path, installed=False)
    (tmp_path / ".venv").mkdir()
    broken = doctor.virtual_environment(tmp_path, installed=False)
    elsewhere = doctor.virtual_environment(tmp_path, installed=True)

    assert missing.text == ".venv has not been made yet."
    assert broken.text == ".venv cannot be used as it is."
    assert [missing.way_out, broken.way_out] == [
        f"{LEARN} doctor makes it",
        f"{LEARN} doctor makes it again",
    ]
    assert missing.seen == "ModuleNotFoundError: No module named 'fastapi'"
    assert elsewhere.state == "note"


def test_packages_that_are_missing_or_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "typing_extensions-4.16.0.dist-info").mkdir()
    (tmp_path / "fastapi-0.1.dist-info").mkdir()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        "# pins\n"
        "typing-extensions==4.16.0\n"
        "fastapi==0.165.0\n"
        "redis==8.1.0 ; python_full_version >= '3.11'\n"
        "pywinpty==3.1.2 ; python_full_version < '3'\n"
    )

    finding = doctor.packages(requirements, tmp_path)

    assert finding.state == "wrong"
    assert finding.text == (
        "Not as requirements.txt pins: fastapi 0.165.0 (0.1), redis 8.1.0 (missing)."
    )
    assert "-m pip install -r requirements.txt" in (finding.way_out or "")


def test_no_websocket_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    finding = doctor.websocket_library()

    assert finding.state == "wrong"
    assert (finding.seen or "").startswith("No supported WebSocket library detected.")


def test_the_text_about_a_missing_websocket_library_is_uvicorns() -> None:
    import uvicorn.protocols.http.h11_impl as protocol

    source = Path(protocol.__file__).read_text().replace("\\", "")

    assert doctor.NO_SOCKETS in source


def test_a_kernel_of_another_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (tmp_path / "kernels/python3").mkdir(parents=True)
    (tmp_path / "kernels/python3/kernel.json").write_text(
        '{"argv": ["/usr/bin/python9"], "display_name": "", "language": "python"}'
    )

    finding = next(iter(doctor.kernel()))

    assert finding.state == "wrong"
    assert "/usr/bin/python9" in finding.text
    assert "No module named 'fastapi' in a notebook's cell" in (finding.seen or "")


def test_a_kernel_at_home_of_the_same_name_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    (tmp_path / "kernels/python3").mkdir(parents=True)
    (tmp_path / "kernels/python3/kernel.json").write_text(
        '{"argv": ["/usr/bin/python9"], "display_name": "", "language": "python"}'
    )

    right, note = doctor.kernel()

    assert right.state == "ok"
    assert note.state == "note"
    assert str(tmp_path / "kernels/python3") in note.text


@pytest.mark.parametrize("word", [engine.word for engine in engines(None)])
def test_the_redis_of_chapter_5(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBOOK_REDIS", word)

    finding = doctor.redis()

    assert finding.state == ("note" if word == "fakeredis" else "ok")
    assert re.search(r"chapter 5.* \w+ \d+\.\S+, private", finding.text)


def test_a_redis_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBOOK_REDIS", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")

    finding = doctor.redis()

    assert finding.state == "wrong"
    assert finding.text.startswith("REDIS_URL is redis://127.0.0.1:1, where no Redis")
    assert (finding.way_out or "").startswith("mend it, or unset REDIS_URL: then")


def test_a_port_that_is_taken() -> None:
    with running.listen(0) as holder:
        number: int = holder.getsockname()[1]
        finding = doctor.port(number)

    assert finding.state == "note"
    assert f"(process {os.getpid()})" in finding.text
    assert "address already in use" in (finding.seen or "")


def test_a_port_that_is_free() -> None:
    number = free_port()  # none that the system gives to others meanwhile

    assert doctor.port(number) == Finding("ok", f"Port {number} is free.")


def test_a_machine_with_and_without_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert "/usr/bin/chromium" in doctor.browser().text
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert doctor.browser().state == "note"
