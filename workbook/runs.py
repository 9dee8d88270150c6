"""The last failing runs of each exercise, kept beside the progress for the report.

The very last one is there as a picture, too, which a browser or an editor shows.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

from workbook import diagram
from workbook.checks import Verdict
from workbook.course import Exercise
from workbook.progress import Progress, digest, key, only_one, replace_file
from workbook.terminal import message, printable, summary

KEPT = 3
"""Runs kept of an exercise, each of another file."""

LONGEST = 2000
"""Characters kept of one text: an exception may hold a whole message."""


@dataclass(frozen=True)
class Run:
    """What was told of a check that failed.

    `at` is UTC, ISO 8601; `file` the digest of what was checked; `rows` the message,
    a label and a text each; `more` a traceback and what was printed; `wire` the
    drawn run as lines of text, `svg` the same as a picture, or empty.
    """

    at: str
    file: str
    summary: str
    failed: str
    rows: list[list[str]] = field(default_factory=list[list[str]])
    more: list[str] = field(default_factory=list[str])
    wire: list[str] = field(default_factory=list[str])
    svg: str = ""

    @classmethod
    def of(cls, verdict: Verdict, file: str, at: datetime) -> Self:
        """What is kept of this verdict, which is a no."""
        failure, wire = verdict.failure, verdict.wire
        assert failure is not None
        drawn = bool(wire.events)
        return cls(
            at.isoformat(timespec="seconds"),
            file,
            summary(verdict).plain,
            _shown(verdict.failed or ""),
            [[label, _shown(text)] for label, text in failure.lines],
            [_shown(line) for line in (*failure.trace, *failure.printed)],
            [row.text for row in diagram.text(wire)] if drawn else [],
            diagram.svg(wire, "The run of this check") if drawn else "",
        )


def keep(
    progress: Progress, verdict: Verdict, file: str | None, now: datetime | None = None
) -> None:
    """Keep a failing run; one of the same file takes the place of the one before.

    Args:
        progress: beside whose file it is kept.
        verdict: what the check found; a pass changes nothing here.
        file: the digest of what was checked; None keeps nothing, nor does the digest
            of the file as it was shipped.
        now: when, UTC; now, if no time is given.
    """
    exercise = verdict.exercise
    if verdict.failure is None or file in (None, digest(exercise.shipped)):
        return
    run = Run.of(verdict, file, now or datetime.now(UTC))
    with only_one():
        others = [r for r in kept(progress, exercise) if r.file != file]
        told = [asdict(r) for r in [run, *others][:KEPT]]
        place = _place(progress, exercise)
        with suppress(OSError):  # who keeps the progress says that it cannot
            place.parent.mkdir(exist_ok=True)
            replace_file(place, json.dumps(told, indent=1).encode() + b"\n")


def kept(progress: Progress, exercise: Exercise) -> list[Run]:
    """The failing runs of an exercise, the latest first; damaged ones are none."""
    try:
        found: Any = json.loads(_place(progress, exercise).read_bytes())
        return [_run(told) for told in found]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def forget(progress: Progress, exercise: Exercise) -> None:
    """The exercise begins again: what failed before is nobody's business."""
    for file in (_place(progress, exercise), picture(progress, exercise)):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def draw(progress: Progress, verdict: Verdict) -> None:
    """Draw a run that failed into a file, and tell the failure its name.

    It takes the place of the picture before, so who keeps it open sees the last run.

    Args:
        progress: beside whose file it is kept.
        verdict: what the check found; of a pass, and of a run without a word on the
            wire, no picture is made.
    """
    failure, wire = verdict.failure, verdict.wire
    if failure is None or not wire.events:
        return
    file = picture(progress, verdict.exercise)
    rows = [
        f"{label}{text}"
        for label, text in message(failure, diagram.letters_above(wire))
    ]
    title = f"{verdict.exercise.id} {verdict.exercise.title}: {verdict.failed}"
    drawn = diagram.svg(wire, title, [title, *rows])
    with suppress(OSError):  # who keeps the progress says that it cannot
        file.parent.mkdir(exist_ok=True)
        replace_file(file, drawn.encode("utf-8", "backslashreplace"))
        root = verdict.exercise.chapter.root
        shown = file.relative_to(root) if file.is_relative_to(root) else file
        failure.picture = shown.as_posix()


def picture(progress: Progress, exercise: Exercise) -> Path:
    """Where the last failing run of an exercise is drawn: `.progress.runs/1.2.svg`."""
    return _folder(progress) / f"{exercise.id}.svg"


def _place(progress: Progress, exercise: Exercise) -> Path:
    """`.progress.runs/ch01_echo-ex2_sum.json`, beside `.progress.json`."""
    return _folder(progress) / f"{key(exercise).replace('/', '-')}.json"


def _folder(progress: Progress) -> Path:
    return progress.file.with_name(f"{progress.file.stem}.runs")


def _run(told: Any) -> Run:
    """A run of facts whose types are right.

    Raises:
        TypeError: they are not.
    """
    run = Run(**told)
    texts = [run.at, run.file, run.summary, run.failed, run.svg, *run.more, *run.wire]
    texts += [text for label, words in run.rows for text in (label, words)]
    if not all(isinstance(text, str) for text in cast(list[object], texts)):
        raise TypeError("a text is something else")
    return run


def _shown(text: str) -> str:
    text = printable(text.expandtabs())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
