"""How long a learner waits: from clone to page, from save to verdict, for a notebook.

`python3 learn.py bench feedback`. Everything happens in a clone of what is committed
here, in a folder that is removed again. Packages come from the network, or from what
the installer has kept from another time: so the first step differs from machine to
machine. `--suite` adds the whole suite, which takes minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from benchmarks import report
from benchmarks.report import Data, Length, Table
from benchmarks.serving import ROOT, free_port
from workbook import environment

SAVES = 3
PATIENCE = 300.0  # seconds that a step may take: the whole suite needs them
WATCHING = re.compile("Watching ")
VERDICT = re.compile(r"\S 1\.1 ")  # its line begins with a mark

PAGE = "fresh clone to first page"
AGAIN = "the same, set up already"
CHECK = "an exercise checked"
SAVE = "save to verdict"
NOTEBOOK = "notebook of chapter {} run"
SUITE = "whole suite"


class Clone:
    """A workbook of its own, as a newcomer gets it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workbook"
        home = folder / "home"
        home.mkdir()
        kept = ("VIRTUAL_ENV", "WORKBOOK_REDIS", "PYTHONPATH")
        self._env = {k: v for k, v in os.environ.items() if k not in kept}
        # What the installers have kept, as on a machine that has seen Python before.
        self._env.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        self._env.setdefault("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
        self._env |= {"HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self.run("git", "clone", "--quiet", str(ROOT), str(self.folder), inside=False)

    @property
    def python(self) -> str:
        """That of its .venv."""
        return str(environment.python_of(self.folder / ".venv"))

    def start(self, *command: str, inside: bool = True) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder if inside else ROOT,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, inside: bool = True) -> float:
        """Seconds that a command takes, whatever it says."""
        begin = time.monotonic()
        with ended(self.start(*command, inside=inside)) as child:
            child.communicate(timeout=PATIENCE)
        return time.monotonic() - begin


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Whatever happens, the child ends here."""
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
        child.wait()


def base_python() -> str:
    """The Python of the system: a newcomer has no environment yet."""
    return str(getattr(sys, "_base_executable", sys.executable))


def until_page(clone: Clone) -> float:
    """Seconds from `learn.py run 1` until the page is there."""
    port = free_port()
    begin = time.monotonic()
    options = ["run", "1", "--no-browser", "--port", str(port)]
    with ended(clone.start(base_python(), "learn.py", *options)) as child:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            except (urllib.error.URLError, OSError):
                assert child.poll() is None, child.communicate()[0]
                assert time.monotonic() < begin + PATIENCE, "no page came"
                time.sleep(0.02)
            else:
                return time.monotonic() - begin


def saves(clone: Clone, count: int) -> list[float]:
    """Seconds from each save of exercise 1.1 until `watch` has judged it.

    It is solved with the last save, for then `watch` goes on to the next exercise.
    """
    found = list[float]()
    file = next((clone.folder / "chapters").glob("ch01_*/exercises/ex1_*.py"))
    solution = clone.folder / "solutions" / file.parent.parent.name / file.name
    shipped = file.read_text("utf-8")
    texts = [f"{shipped}\n# {number}\n" for number in range(1, count)]
    with ended(clone.start(clone.python, "-m", "workbook", "watch", "1.1")) as child:
        late = threading.Timer(PATIENCE, child.kill)
        late.daemon = True
        late.start()
        await_line(child, WATCHING)
        for text in [*texts, solution.read_text("utf-8")]:
            time.sleep(0.5)  # or two saves would be one
            file.write_text(text, "utf-8")
            begin = time.monotonic()
            await_line(child, VERDICT)
            found.append(time.monotonic() - begin)
        late.cancel()
    return found


def await_line(child: subprocess.Popen[str], wanted: re.Pattern[str]) -> None:
    """Read until such a line has been said."""
    assert child.stdout is not None
    for line in child.stdout:
        if wanted.match(line):
            return
    raise AssertionError("watch has ended")


def measure(length: Length = Length.USUAL, suite: bool = False) -> Data:
    """All steps, in a clone of its own."""
    short = length is Length.SHORT
    steps: dict[str, Data] = {}

    def note(name: str, command: str, *seconds: float) -> None:
        steps[name] = {"command": command, "seconds": list(seconds)}

    with tempfile.TemporaryDirectory(prefix="workbook-") as name:
        folder = Path(name).resolve()
        try:
            for step in measuring(folder, note, 1 if short else SAVES, short, suite):
                report.say(f"feedback: {step}")
        finally:
            shutil.rmtree(folder / "workbook", ignore_errors=True)
    return {**report.machine(), "steps": steps}


def measuring(
    folder: Path, note: Callable[..., None], count: int, short: bool, suite: bool
) -> Iterator[str]:
    """One step after the other; says what comes next."""
    yield PAGE
    begin = time.monotonic()
    clone = Clone(folder)
    cloned = time.monotonic() - begin
    run = "python3 learn.py run 1"
    note(PAGE, f"git clone, {run}", cloned + until_page(clone))
    yield AGAIN
    note(AGAIN, run, *(until_page(clone) for _ in range(count)))
    yield CHECK
    check = [base_python(), "learn.py", "check", "1.1"]
    note(CHECK, "python3 learn.py check 1.1", *(clone.run(*check) for _ in range(3)))
    yield SAVE
    note(SAVE, "python3 learn.py watch 1.1", *saves(clone, count))
    sources = sorted((clone.folder / "notebooks" / "sources").glob("ch*.py"))
    for source in sources[:1] if short else sources:
        title = NOTEBOOK.format(int(source.stem[2:4]))
        yield title
        command = f"python -m workbook.book {source.stem}"
        note(title, command, clone.run(clone.python, *command.split()[1:]))
    if suite:
        yield SUITE
        command = "python3 learn.py test"
        note(SUITE, command, clone.run(base_python(), *command.split()[1:]))


def slowest(data: Data) -> str:
    steps = data["steps"]
    return max(steps, key=lambda name: median(steps[name]["seconds"]))


def tables(data: Data) -> list[Table]:
    rows = [
        [
            name,
            *(f"{f(one['seconds']):.2f}" for f in (min, median, max)),
            f"`{one['command']}`",
        ]
        for name, one in data["steps"].items()
    ]
    head = ["", "s: min", "median", "max", "command"]
    note = f"The slowest step: {slowest(data)}."
    return [Table("What a learner waits for", head, rows, note)]


def goals(_: Data) -> list[tuple[str, bool]]:
    return []


def picture(data: Data) -> Figure:
    figure, (axes,) = report.panels(1, (8, 3.4))
    report.bars(axes, {n: one["seconds"] for n, one in data["steps"].items()})
    axes.set_xlabel("seconds", fontsize=10)
    return figure
