"""`learn.py doctor`: what students trip over when they set up, looked for by name.

Standard library only as far as it goes, since it also runs where .venv could not be
made: whatever needs a library is imported in its own test.
"""

import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbook import environment
from workbook.arguments import LEARN

NO_SOCKETS = (
    'No supported WebSocket library detected. Please use "pip install'
    " 'uvicorn[standard]'\", or install 'websockets' or 'wsproto' manually."
)
"""What uvicorn logs at a handshake that it cannot serve; it answers 404."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NEEDED = 1 << 30
"""Bytes that should be free before set-up: .venv takes half of that."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's. Only what is wrong has a way out."""

    state: Literal["ok", "note", "wrong"]
    text: str
    seen: str | None = None  # the error in which a student meets it, word for word
    way_out: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.state:5}  {self.text}"]
        if self.seen:
            lines.append(f"       as in: {self.seen}")
        if self.way_out:
            lines.append(f"       way out: {self.way_out}")
        return "\n".join(lines)


Test = Callable[[], Finding | Iterable[Finding]]


def examine(root: Path, first: str | None = None) -> int:
    """Print every finding; returns 1 when something is wrong.

    `first` is why set-up failed, when it has.
    """
    wrong = 0
    if first is not None:
        wrong += 1
        print("wrong  " + first.replace("\n", "\n       "), flush=True)
    for test in tests(root, failed=first is not None):
        for finding in look(test):
            wrong += finding.state == "wrong"
            print(finding, flush=True)
    print()
    print("All is well." if not wrong else f"{wrong} to mend, see above.")
    return 1 if wrong else 0


def tests(root: Path, failed: bool) -> Iterator[Test]:
    """Everything that is looked at, in the order in which one trips over it."""
    yield lambda: python_version(sys.version_info[:3])
    yield lambda: venv_module(root)
    yield system_python
    yield lambda: writable(root)
    yield lambda: room(root)
    yield lambda: names_in_the_way(root)
    installed = is_here("fastapi")
    if not failed:
        yield lambda: virtual_environment(root, installed)
    if installed:
        folder = Path(sysconfig.get_path("purelib"))
        yield lambda: packages(root / "requirements.txt", folder)
        yield websocket_library
        yield kernel
        yield redis
    yield lambda: port(8000)
    yield browser


def look(test: Test) -> list[Finding]:
    """What one test finds. A broken library must not silence the doctor."""
    try:
        found = test()
        return [found] if isinstance(found, Finding) else list(found)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return [Finding("wrong", "One of these tests cannot be made.", said)]


def python_version(version: tuple[int, ...]) -> Finding:
    dotted = ".".join(str(number) for number in version)
    if version >= (3, 11):
        return Finding("ok", f"Python {dotted}: {sys.executable}")
    return Finding(
        "wrong",
        f"Python {dotted} is too old: the workbook needs 3.11 or newer.",
        "AttributeError: module 'asyncio' has no attribute 'TaskGroup'",
        "install one from https://www.python.org/downloads/ and run learn.py with it",
    )


def venv_module(root: Path) -> Finding:
    if all(is_here(module) for module in ("venv", "ensurepip")):
        return Finding("ok", "venv and ensurepip, which make .venv, are here.")
    text = "This Python has no ensurepip, which puts pip into a new .venv."
    if shutil.which("uv") or environment.State(root).is_ready():
        return Finding("ok", f"{text} It is not needed here.")
    return Finding(
        "wrong",
        text,
        "The virtual environment was not created successfully because ensurepip is"
        " not available.",
        "on Debian and Ubuntu: sudo apt install python3-venv",
    )


def is_here(module: str) -> bool:
    """Whether a module can be imported: an empty folder of its name is none."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


def system_python() -> Iterator[Finding]:
    """Two refusals that a student meets elsewhere and that learn.py walks around."""
    stdlib = Path(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix}))
    if (stdlib / "EXTERNALLY-MANAGED").exists():
        yield Finding(
            "note",
            "The system keeps this Python's packages to itself."
            " Nothing to do: learn.py installs into .venv.",
            "error: externally-managed-environment",
        )
    if sys.platform == "win32":
        yield Finding(
            "note",
            "PowerShell may refuse to activate .venv. Nothing to do: learn.py needs"
            " no activation.",
            "Activate.ps1 cannot be loaded because running scripts is disabled on"
            " this system.",
        )


def writable(root: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=root):
            return Finding("ok", f"The folder {root} can be written to.")
    except OSError as error:
        return Finding(
            "wrong",
            f"The folder {root} cannot be written to.",
            str(error).partition(": ")[0],
            "put the workbook into a folder of your own, and run it there",
        )


def room(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    if free >= NEEDED or environment.State(root).is_ready():
        return Finding("ok", f"There is room on the disk: {free / 1e9:.1f} GB.")
    return Finding(
        "wrong",
        f"The disk is nearly full: {free / 1e9:.1f} GB are free.",
        "OSError: [Errno 28] No space left on device",
        "make room: the workbook's .venv needs 0.6 GB",
    )


def names_in_the_way(root: Path) -> Iterator[Finding]:
    chapters = sorted((root / "chapters").glob("ch*_*"))
    exercises = [chapter / "exercises" for chapter in chapters]
    places = [root, *chapters, *exercises, root / "notebooks"]
    hiding = environment.in_the_way(root, places)
    for path in hiding:
        yield Finding(
            "wrong",
            f"{path.relative_to(root).as_posix()} hides the library `{path.stem}`.",
            f"ImportError: cannot import name ... from '{path.stem}', or"
            f" AttributeError: partially initialized module '{path.stem}' has no"
            " attribute ... (most likely due to a circular import)",
            "rename that file",
        )
    if not hiding:
        yield Finding("ok", "No file of yours is named like a library.")


def virtual_environment(root: Path, installed: bool) -> Finding:
    state = environment.State(root)
    if state.is_ready():
        return Finding("ok", ".venv is of this Python, and complete.")
    if installed:
        text = f"The packages come from {sys.prefix}, which learn.py has not filled."
        return Finding("note", text)
    there = state.folder.exists()
    return Finding(
        "wrong",
        ".venv cannot be used as it is." if there else ".venv has not been made yet.",
        "ModuleNotFoundError: No module named 'fastapi'",
        f"{LEARN} doctor makes it" + (" again" if there else ""),
    )


def packages(requirements: Path, folder: Path) -> Finding:
    """Whether `folder` holds each package in the version that is pinned."""
    from packaging.markers import Marker

    held: dict[str, str] = {}
    for path in folder.glob("*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        held[canonical(name)] = version
    other: list[str] = []
    pins = 0
    for line in requirements.read_text(encoding="utf-8").splitlines():
        pin, _, marker = (part.strip() for part in line.partition(";"))
        if "==" not in pin or (marker and not Marker(marker).evaluate()):
            continue
        pins += 1
        name, _, version = pin.partition("==")
        has = held.get(canonical(name))
        if has != version:
            other.append(f"{name} {version} ({'missing' if has is None else has})")
    if not other:
        return Finding("ok", f"All {pins} packages are here as requirements.txt pins.")
    return Finding(
        "wrong",
        f"Not as requirements.txt pins: {', '.join(other)}.",
        "ModuleNotFoundError: No module named ..., or ImportError: cannot import name",
        f"{sys.executable} -m pip install -r requirements.txt",
    )


def canonical(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def websocket_library() -> Finding:
    if is_here("websockets"):
        return Finding("ok", "uvicorn finds a WebSocket library: websockets.")
    return Finding(
        "wrong",
        "uvicorn finds no WebSocket library and answers 404 to a handshake.",
        NO_SOCKETS,
        f"{sys.executable} -m pip install -r requirements.txt",
    )


def kernel() -> Iterator[Finding]:
    """Whether a notebook's "Python 3" is the Python that has the packages."""
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # as learn.py notebook does
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from jupyter_core.paths import jupyter_data_dir

    try:
        python = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        python = "none"
    # These names mean the Python that JupyterLab runs on (jupyter_client.manager).
    if python in ("python", "python3", f"python3.{sys.version_info[1]}"):
        python = sys.executable
    if environment.same_place(Path(python).parent, Path(sys.executable).parent):
        yield Finding("ok", "Notebooks run on this Python (kernel python3).")
    else:
        yield Finding(
            "wrong",
            f"The notebooks' kernel python3 is another Python: {python}",
            "ModuleNotFoundError: No module named 'fastapi' in a notebook's cell",
            f"{LEARN} notebook; elsewhere choose the kernel of .venv",
        )
    other = Path(jupyter_data_dir(), "kernels", "python3")
    if other.exists() and not other.is_relative_to(sys.prefix):
        yield Finding(
            "note",
            f"{other} holds another kernel of that name. {LEARN} notebook passes it"
            " over; in an editor choose the one of .venv.",
        )


def redis() -> Finding:
    """Which Redis chapter 5 would use; a private one is started to see it run."""
    from workbook.broker import Broker, NoBroker

    try:
        with Broker(running=True) as broker:
            name = broker.name
    except NoBroker as missing:
        text, _, way_out = str(missing).partition("\n")
        seen = "redis.exceptions.ConnectionError: Error 111 connecting to ..."
        return Finding("wrong", text, seen, way_out[:1].lower() + way_out[1:])
    if "fakeredis" in name:
        return Finding("note", f"No Redis can run here, so chapter 5 has {name}.")
    return Finding("ok", f"Redis, for chapter 5: {name}")


def port(number: int) -> Finding:
    from workbook import running

    try:
        running.listen(number).close()
    except OSError as error:
        return Finding(
            "note",
            f"Port {number} is held by {running.holder(number)};"
            f" {LEARN} run takes the next one.",
            f"[Errno {error.errno}] error while attempting to bind on address"
            f" ('127.0.0.1', {number}): address already in use",
            f"end that program if you want port {number}",
        )
    return Finding("ok", f"Port {number} is free.")


def browser() -> Finding:
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return Finding("ok", f"Chromium, which tests the pages: {found}")
    return Finding(
        "note",
        "No Chromium here: the tests of the pages are left out. For the chapters any"
        " browser will do.",
    )
