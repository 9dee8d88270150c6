"""No program, however hostile, hangs a check, passes it, or survives it.

Each program in `hostile/` says in its docstring what its learner must be told, and in
how many seconds where it is the limit that ends it.
"""

import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.synthetic import SHOUT, write_course
from workbook import checks, forked
from workbook.answer import Answer
from workbook.checks import Verdict
from workbook.child import MARK
from workbook.course import ROOT, Exercise, find_exercise
from workbook.descendants import is_alive
from workbook.process import Process

HERE = Path(__file__).parent / "hostile"
RELAY = HERE / "relay"
GROUPS = ("import", "startup", "handler", "leaves", "ignores", "call")

PYTHON = 30.0
"""Seconds that Python itself may take to start on a busy machine. Who is not ended goes
on for 1000."""

MEMORY = 600 << 20
"""Bytes that a program may hold here: less than the 1 GiB that costs time to fill."""


@pytest.fixture(scope="module")
def exercises(tmp_path_factory: pytest.TempPathFactory) -> list[Exercise]:
    root = tmp_path_factory.mktemp("course")
    return write_course(root, SHOUT, "ex1_shout", "ex2_double")


STANDARD = {"reply": 15.0}
"""The limit of a program that sets none."""


class Trial:
    """One hostile program, checked, and what is wrong with how that went."""

    def __init__(
        self, file: Path, exercise: Exercise, quick: Mapping[str, float] = STANDARD
    ) -> None:
        self.file = file
        self.title, self.must = told_by(file)
        self.must.pop("needs", None)
        limits = dict(quick)
        if own := self.must.pop("limit", None):
            name, _, limit = own.partition(" ")
            limits[name] = float(limit)
            self.limit = limits[name]
        else:
            self.limit = limits["reply"]
        # Who sleeps for just so long is found by that, whatever else it forgets;
        # a copy of the program by its process's mark.
        self.seconds = f"1000.{random.randrange(10**9)}"
        self.process = Process(env={"HOSTILE": self.seconds})
        self.process.memory = MEMORY
        start = time.monotonic()
        self.verdict = checks.run(exercise, file, process=self.process, **limits)
        self.took = time.monotonic() - start

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it must be."""
        failure = self.verdict.failure
        if self.verdict.ok or failure is None:
            return ["it passed"]
        who = f"{failure.who} "
        rows = {label.removeprefix(who): text for label, text in failure.lines}
        rows["printed"] = "\n".join(failure.printed)
        found = [
            f"{label} {rows.get(label)!r} has no {text!r}"
            for label, text in self.must.items()
            if text not in rows.get(label, "")
        ]
        if self.took > self.limit + 2 + PYTHON:
            found.append(f"it took {self.took:.1f} s, and had {self.limit} s and 2")
        if self.process.status is None:
            found.append("it still runs")
        left = left_by(self.seconds, self.process.mark)
        return found + [f"{alive} still runs" for alive in left]


def left_by(seconds: str, mark: str = "no mark") -> list[psutil.Process]:
    """The processes that know this number or carry this mark, alive."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            env = process.environ()
            known = env.get("HOSTILE") == seconds or env.get(MARK) == mark
            if known or seconds in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return [one for one in found if is_alive(one)]


def told_by(file: Path) -> tuple[str, dict[str, str]]:
    """What a program does, and the rows that its verdict must have."""
    title, _, rest = file.read_text().split('"""')[1].partition("\n\n")
    return title, dict(line.split(": ", 1) for line in rest.strip().splitlines())


def files(group: str) -> list[Path]:
    """The programs of a group that can run here."""
    here = {None, "posix", "linux"}
    if sys.platform != "linux":
        here = {None} if sys.platform == "win32" else {None, "posix"}
    found = sorted(HERE.glob(f"{group}_*.py"))
    return [file for file in found if told_by(file)[1].get("needs") in here]


@pytest.mark.parametrize("group", GROUPS)
def test_each_hostile_program_is_told_what_it_did_and_leaves_nothing(
    exercises: list[Exercise], group: str
) -> None:
    shout, double = exercises

    def tried(file: Path) -> Trial:
        # A file of functions is imported in the same way, and starts in less time.
        serves = "shout" in file.read_text() or "FastAPI" in file.read_text()
        return Trial(file, shout if serves else double)

    with ThreadPoolExecutor(3) as pool:
        trials = list(pool.map(tried, files(group)))

    for trial in trials:
        print(trial.file.name, f"{trial.took:.1f} s", trial.title)
    assert {t.file.name: t.faults for t in trials if t.faults} == {}


def test_every_hostile_program_is_in_a_group() -> None:
    everything = set(HERE.glob("*_*.py"))

    assert {file.stem.partition("_")[0] for file in everything} == set(GROUPS)
    assert len(everything) > 50


def test_the_next_exercise_is_checked_right_after_a_hostile_one(
    exercises: list[Exercise],
) -> None:
    verdicts: list[Verdict] = []
    for name in ("handler_exits_hard", "handler_prints", "leaves_daemon"):
        verdicts.append(checks.run(exercises[0], HERE / f"{name}.py"))
        verdicts.append(checks.run(exercises[0], HERE / "shouting.py"))

    assert [verdict.ok for verdict in verdicts] == [False, True] * 3


@pytest.mark.skipif(not forked.IS_POSSIBLE, reason="elsewhere it kills the check")
def test_who_kills_its_parent_ends_with_it_and_the_next_exercise_is_checked(
    exercises: list[Exercise],
) -> None:
    start = time.monotonic()
    verdict = checks.run(exercises[0], HERE / "killed" / "kills_parent.py", start=1000)

    assert time.monotonic() - start < PYTHON
    assert verdict.failure is not None
    assert "ended by itself (SIGKILL)" in verdict.failure.got
    assert checks.run(exercises[0], HERE / "shouting.py").ok


# On an exercise with a Redis

OF_REDIS = ("configures_redis", "empties_redis", "publishes_for_ever")
OF_ALL = ("handler_exits_hard", "import_loops")
"""Some that take little time; `python -m tests.hostile_redis` tries all of them."""


def on_redis(programs: list[Path], folder: Path) -> list[Path]:
    """The same programs beside an app that relays by Redis, and goes by the name of
    the one that shouts."""
    shutil.copy(RELAY / "shouting.py", folder)
    for program in programs:
        # Who mentions it gets a Redis.
        with_redis = f"{program.read_text()}\n# REDIS_URL\n"
        # Others hear nothing of what ana says, and are told why.
        with_redis = with_redis.replace("got: the handler", "got: ana's handler had")
        (folder / program.name).write_text(with_redis)
    return [folder / program.name for program in programs]


def links() -> set[threading.Thread]:
    """The threads in which links relay."""
    return {one for one in threading.enumerate() if "run_forever" in one.name}


@pytest.mark.skipif(sys.platform != "linux", reason="signals, and what they leave")
def test_with_a_redis_too_each_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    before, relay = links(), find_exercise("5.1")
    programs = [RELAY / f"link_{name}.py" for name in OF_REDIS]
    programs += [HERE / f"{name}.py" for name in OF_ALL]

    # One after the other: those of one process share a private Redis.
    trials = [Trial(file, relay) for file in on_redis(programs, tmp_path)]

    for trial in trials:
        print(trial.file.name, f"{trial.took:.1f} s", trial.title)
    assert {t.file.name: t.faults for t in trials if t.faults} == {}
    assert links() <= before
    with (
        Answer(RELAY / "shouting.py") as answer,
        answer.connect("ana") as ana,
        answer.connect("bo", worker=2) as bo,
    ):
        ana.send("hello")
        bo.expect("hello")


PARENT = """
import sys
import time
from pathlib import Path
from workbook.answer import Answer

answer = Answer(Path(sys.argv[1]))
client = answer.connect("ana")
client.send("hello")
client.expect("HELLO")
client.send("hello")
print("in the middle of it", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("name", ["handler_loops_later", "leaves_daemon_and_child"])
def test_a_check_that_is_killed_leaves_no_process_behind(
    name: str, tmp_path: Path
) -> None:
    seconds = f"1000.{random.randrange(10**9)}"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, HERE / "killed" / f"{name}.py"],
        env={**psutil.Process().environ(), "HOSTILE": seconds},
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "in the middle of it\n"
        left = left_by(seconds)
        assert len(left) > 1

        parent.kill()

        _, alive = psutil.wait_procs(left, timeout=PYTHON)
        assert alive == []
