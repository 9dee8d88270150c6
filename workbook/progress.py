"""What the learner has done: one small file, derived from the checks.

Only facts that a check or a command found are kept. An exercise's state follows from
them and from the learner's file as it is now, so nobody has to keep the two in step.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Self, cast

from workbook.course import ROOT, Exercise
from workbook.environment import try_lock

VERSION = 1
"""Of the file's form. A file of a newer one is kept aside, not understood halfway."""

PLACE = "WORKBOOK_PROGRESS"
"""The environment variable that names another file than `.progress.json`."""

PATIENCE = 5.0
"""Seconds to wait for another writer, who needs milliseconds."""

ABANDONED = 60.0
"""Seconds after which a half-written file is taken for a dead writer's."""

HINTS = 3
"""How many hints an exercise has."""

BREAK = 1800
"""Seconds between two tries after which they are not taken for one piece of work."""


class State(Enum):
    """Where a learner stands with an exercise, as it is told."""

    PASSED = "passed"
    CHANGED = "changed since it passed"
    TRIED = "tried"
    UNTOUCHED = "untouched"
    MISSING = "its file is missing"


@dataclass(frozen=True)
class Record:
    """What is kept of one exercise.

    `passed` and `tried` are digests of the file that passed, and of the last one
    that did not; `when` it passed is UTC, ISO 8601. `tries` counts the different
    files that did not pass, `hints` those given, and `solution` is whether it was
    shown before the exercise passed. `begun` and `last` are when a file was checked
    first and when another one last (the file as shipped counts, if it is the first);
    `spent` is the seconds between one of these checks and the next, up to the one
    that passed, breaks left out.
    """

    passed: str | None = None
    when: str | None = None
    tried: str | None = None
    tries: int = 0
    hints: int = 0
    solution: bool = False
    begun: str | None = None
    last: str | None = None
    spent: int = 0

    def at_work(self, now: datetime) -> "Record":
        """The same, checked once more at this time (UTC)."""
        told = now.isoformat(timespec="seconds")
        if self.begun is None:
            return replace(self, begun=told, last=told)
        gap = 0 if self.passed else _seconds(self.last, now)
        spent = self.spent + (gap if 0 < gap <= BREAK else 0)
        return replace(self, last=told, spent=spent)


KINDS = {
    "passed": str,
    "when": str,
    "tried": str,
    "tries": int,
    "hints": int,
    "solution": bool,
    "begun": str,
    "last": str,
    "spent": int,
}
"""The facts of a record as they stand in the file."""


class Unreadable(Exception):
    """The file holds no progress of this version. The text says why."""


class Progress:
    """The learner's progress, kept in one file that is read at every question.

    A file that cannot be read or written costs one sentence, said once.

    Args:
        file: where it is kept. It need not exist.
        say: is given each sentence; it goes to standard error otherwise.
    """

    def __init__(self, file: Path, say: Callable[[str], None] | None = None) -> None:
        self.file = file
        self.say = say or _to_stderr
        self._said: set[str] = set()

    @classmethod
    def of(cls, root: Path = ROOT, say: Callable[[str], None] | None = None) -> Self:
        """The progress in the workbook at `root`, or where WORKBOOK_PROGRESS says."""
        place = os.environ.get(PLACE)
        return cls(Path(place) if place else root / ".progress.json", say)

    def read(self) -> dict[str, Record]:
        """Every record, by `ch01_echo/ex2_sum`; empty when there is no file."""
        with only_one():
            return self._read() or {}

    def record(self, exercise: Exercise) -> Record:
        """What is kept of this exercise."""
        return self.read().get(key(exercise), Record())

    def state(self, exercise: Exercise) -> State:
        """Where the learner stands with this exercise now."""
        return state_of(exercise, self.record(exercise))

    def judge(
        self,
        exercise: Exercise,
        file: str | None,
        ok: bool,
        now: datetime | None = None,
    ) -> Record:
        """Keep what a check found.

        Args:
            exercise: the one that was checked.
            file: the digest of the file that was checked; None keeps nothing.
            ok: whether it passed.
            now: when, UTC; now, if no time is given.
        """
        at = now or datetime.now(UTC)

        def change(record: Record) -> Record:
            if file is None or (ok and file == record.passed):
                return record
            if ok:
                when = at.isoformat(timespec="seconds")
                return replace(record.at_work(at), passed=file, when=when)
            if file == record.passed:  # the checks have changed
                record = replace(record, passed=None, when=None)
            if file == record.tried:
                return record
            if file == digest(exercise.shipped):
                return record if record.begun else record.at_work(at)
            return replace(record.at_work(at), tried=file, tries=record.tries + 1)

        return self._change(exercise, change)

    def give_hint(self, exercise: Exercise, there_are: int = HINTS) -> int:
        """Give one more hint, if there is one; returns how many are given now."""
        return self._change(
            exercise, lambda r: replace(r, hints=min(r.hints + 1, there_are))
        ).hints

    def give_solution(self, exercise: Exercise) -> None:
        """Keep that the solution was shown before the exercise passed."""
        self._change(exercise, lambda r: replace(r, solution=True))

    def start_again(self, exercise: Exercise) -> None:
        """Forget what was passed and tried, and when; what was given stays given."""
        self._change(exercise, lambda r: Record(hints=r.hints, solution=r.solution))

    def _change(self, exercise: Exercise, change: Callable[[Record], Record]) -> Record:
        with only_one():
            records = self._read()
            old = (records or {}).get(key(exercise), Record())
            new = change(old)
            if records is not None and new != old:
                self._write({**records, key(exercise): new})
        return new

    def _read(self) -> dict[str, Record] | None:
        """The records; None when the file is there and must be left alone."""
        try:
            return parse(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._tell(f"{self.file.name} cannot be read ({error.strerror})")
            return None
        except Unreadable as error:
            return self._keep_aside(str(error))

    def _keep_aside(self, why: str) -> dict[str, Record] | None:
        try:
            kept = keep(self.file, self.file.parent / ".kept", "progress")
            self.file.unlink()
        except OSError as error:
            self._tell(f"{self.file.name} {why}, nor kept aside ({error.strerror})")
            return None
        self.say(
            f"{self.file.name} {why}; it is kept as .kept/{kept.name}, and progress"
            " begins anew: checking an exercise again restores its state."
        )
        return {}

    def _write(self, records: Mapping[str, Record]) -> None:
        told = {name: _told(record) for name, record in sorted(records.items())}
        text = json.dumps({"version": VERSION, "exercises": told}, indent=1)
        try:
            sweep(self.file)
            replace_file(self.file, text.encode() + b"\n")
        except OSError as error:
            self._tell(f"{self.file.name} cannot be written ({error.strerror})")

    def _tell(self, what: str) -> None:
        if what not in self._said:
            self.say(f"{what}, so progress is not kept. Everything else works.")
        self._said.add(what)


def key(exercise: Exercise) -> str:
    """How the file names an exercise: `ch01_echo/ex2_sum`, which no number moves."""
    return f"{exercise.chapter.name}/{exercise.name}"


def digest(path: Path) -> str | None:
    """What stands for a file's content, line ends aside; None when there is none."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:16]


def state_of(exercise: Exercise, record: Record) -> State:
    """Where a learner with this record and the file as it is now stands."""
    now = digest(exercise.path)
    if now is None:
        return State.MISSING
    if now == record.passed:
        return State.PASSED
    if now == digest(exercise.shipped):
        return State.UNTOUCHED
    return State.TRIED if record.passed is None else State.CHANGED


def parse(content: bytes) -> dict[str, Record]:
    """The records in a progress file.

    Raises:
        Unreadable: it is of a newer version, damaged, or something else altogether.
    """
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable("is damaged and could not be read") from None
    facts = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    version = facts.get("version")
    if type(version) is int and version > VERSION:
        raise Unreadable("was written by a newer workbook and could not be read")
    try:
        if type(version) is not int or version != VERSION:
            raise TypeError
        exercises: dict[str, Any] = facts["exercises"]
        return {name: _record(told) for name, told in exercises.items()}
    except (TypeError, KeyError, AttributeError):
        raise Unreadable("holds something else than progress") from None


def _record(told: Mapping[str, Any]) -> Record:
    """A record of facts whose types are right; unknown facts are left out."""
    facts = {name: told[name] for name in KINDS if name in told}
    for name, fact in facts.items():
        if type(fact) is not KINDS[name]:  # not isinstance: True is an int
            raise TypeError(name)
    return Record(**facts)


def _seconds(since: str | None, now: datetime) -> int:
    """Whole seconds from a time in the file to this one; 0 where it is none."""
    try:
        return int((now - datetime.fromisoformat(since or "")).total_seconds())
    except (ValueError, TypeError):  # edited by hand: no time, or one without a zone
        return 0


def _told(record: Record) -> dict[str, object]:
    """A record as facts, without those that say nothing."""
    return {name: value for name, value in asdict(record).items() if value}


def keep(file: Path, folder: Path, stem: str | None = None) -> Path:
    """Copy a file into `folder` under a dated name that was not there before.

    Args:
        file: what to copy.
        folder: is made where it is missing.
        stem: what its name begins with; that of `file`, if none is given.

    Returns:
        The copy: `.kept/ex2_sum-2026-11-22-1813.py`.

    Raises:
        OSError: it cannot be read or written.
    """
    content = file.read_bytes()
    folder.mkdir(exist_ok=True)
    name = f"{stem or file.stem}-{datetime.now():%Y-%m-%d-%H%M}"
    for again in range(1, 1000):
        more = "" if again == 1 else f"-{again}"
        copy = folder / f"{name}{more}{file.suffix}"
        with suppress(FileExistsError), copy.open("xb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
            return copy
    raise FileExistsError(17, "too many copies of this minute", str(folder))


def replace_file(file: Path, content: bytes, mode_of: Path | None = None) -> None:
    """Give a file new content in one step: whoever reads sees the old or the new.

    Args:
        file: what to replace, or to make.
        content: what it shall hold.
        mode_of: whose permissions it gets.

    Raises:
        OSError: it cannot be written; then it is as it was.
    """
    hidden = f".{file.name.lstrip('.')}-"
    number, name = tempfile.mkstemp(dir=file.parent, prefix=hidden)
    try:
        with os.fdopen(number, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        if mode_of is not None:
            shutil.copymode(mode_of, name)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sweep(file: Path) -> None:
    """Remove what writers of this file left who were killed in the middle of it."""
    for left in file.parent.glob(f".{file.name.lstrip('.')}-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                left.unlink()


@contextmanager
def only_one() -> Generator[None]:
    """Wait until no other process or thread reads or writes progress.

    The lock is on this very file, so none is left behind, and it ends with the
    process that holds it. A file system without locks is used without.
    """
    with Path(__file__).open("rb") as file:
        deadline = time.monotonic() + PATIENCE
        while not try_lock(file.fileno()) and time.monotonic() < deadline:
            time.sleep(0.005)
        yield


def _to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)
