"""`learn.py report`: progress as one page of HTML that needs no script and no network.

Nothing is checked for it and nothing leaves the machine: it is made of the progress
and of the failing runs that were kept.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from workbook import course, runs, terminal
from workbook.arguments import LEARN
from workbook.course import ROOT, Chapter, Exercise
from workbook.desk import FINE, politely, refuse
from workbook.progress import BREAK, Progress, Record, State, digest, key, state_of
from workbook.runs import Run

NAME = "report.html"
"""The file, if no other is named."""

FIRST = '<!doctype html>\n<html lang="en" data-made-by="learn.py report">\n'
"""How a report begins. A file that does not is not written over."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The browser may fetch nothing and run nothing, whatever a learner's text holds."""

STYLE = """
:root { color-scheme: light dark; --ink: #20262d; --quiet: #5c6570; --line: #ccd2d9;
  --paper: #fff; --box: #f4f6f8; --good: #17693f; --bad: #b3202a; --open: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e7eb; --quiet: #9aa4af; --line: #3b434c; --paper: #15191e;
    --box: #1e242b; --good: #66c795; --bad: #ff8a8a; --open: #e6b450; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0.5rem 0 0; line-height: 1.2; }
h2 { margin: 2.5rem 0 0.5rem; }
h3 { margin: 1.25rem 0 0.25rem; font-size: 1rem; }
progress { width: 100%; height: 1rem; accent-color: var(--good); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }
thead th, .quiet { color: var(--quiet); font-weight: normal; font-size: 0.875rem; }
.passed { color: var(--good); } .missing { color: var(--bad); }
.tried, .changed { color: var(--open); }
details > dl { margin-top: 0.75rem; }
details { margin: 0.5rem 0; padding: 0.5rem 0.75rem; border: 1px solid var(--line);
  border-radius: 8px; }
details details { border: 0; padding: 0; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0;
  font: 0.875rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
dt { color: var(--quiet); } dd { margin: 0; }
figure { margin: 0.75rem 0; overflow-x: auto; }
img { display: block; min-width: 34rem; max-width: 100%; height: auto; }
pre { margin: 0; padding: 0.5rem; background: var(--box); overflow-x: auto;
  font: 0.8125rem/1.35 ui-monospace, monospace; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  th, td { display: block; border: 0; padding: 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--quiet); }
  td:empty { display: none; }
  dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.25rem; }
}
""".strip()


@politely
def report(output: Path | None = None, root: Path = ROOT) -> int:
    """Write the report; returns the exit status.

    Args:
        output: the file; `report.html` in the workbook's folder, if none is named.
        root: the workbook's folder.
    """
    file = output or root / NAME
    if not course.exercises(root):
        return refuse(f"There are no exercises in {root}.")
    try:
        if file.exists() and not _is_ours(file):
            return refuse(f"{file} is no report, so it is left as it is. Name another.")
        file.write_text(document(root, datetime.now(UTC)), encoding="utf-8")
    except OSError as error:
        return refuse(f"{file} could not be written: {error.strerror}.")
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    print(f"The report is in {shown}: open it in a browser. Nothing was sent anywhere.")
    return FINE


def _is_ours(file: Path) -> bool:
    with file.open("rb") as found:
        return found.read(len(FIRST)) == FIRST.encode()


def document(root: Path, now: datetime) -> str:
    """The report on the workbook in a folder, as HTML.

    Args:
        root: the folder.
        now: when it is made; its zone does not matter.
    """
    progress = Progress.of(root)
    records = progress.read()
    parts = [*_head(root, records, now)]
    for chapter in course.chapters(root):
        parts += _chapter(chapter, progress, records)
    parts += _foot(now)
    head = (
        f'{FIRST}<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Progress in the workbook</title>\n<style>\n{STYLE}\n</style>\n"
        "</head>\n<body>\n"
    )
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def _head(root: Path, records: Mapping[str, Record], now: datetime) -> Iterator[str]:
    exercises = course.exercises(root)
    mine = [records.get(key(exercise), Record()) for exercise in exercises]
    pairs = zip(exercises, mine, strict=True)
    passed = sum(state_of(*pair) is State.PASSED for pair in pairs)
    done = f"{passed} of {len(exercises)} exercises passed"
    sums = [
        counted(sum(record.tries for record in mine), "try", "tries") + " failed",
        counted(sum(record.hints for record in mine), "hint") + " taken",
        counted(sum(record.solution for record in mine), "solution") + " seen",
        f"{duration(sum(record.spent for record in mine))} spent",
    ]
    yield "<h1>WebSockets with FastAPI: progress</h1>"
    yield f'<p class="quiet">The folder {_text(root.resolve().name)}, {local(now)}</p>'
    yield (
        f'<p><strong>{done}</strong><br><progress aria-label="{done}" '
        f'max="{len(exercises)}" value="{passed}"></progress><br>{", ".join(sums)}</p>'
    )


def _chapter(
    chapter: Chapter, progress: Progress, records: Mapping[str, Record]
) -> Iterator[str]:
    yield f"<h2>{chapter.number} {_text(chapter.title)}</h2>"
    labels = ("exercise", *LABELS)
    heads = "".join(f'<th scope="col">{label}</th>' for label in labels)
    yield f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>"
    for exercise in chapter.exercises:
        yield _row(exercise, records.get(key(exercise), Record()))
    yield "</tbody>\n</table>"
    for exercise in chapter.exercises:
        if kept := runs.kept(progress, exercise):
            state = state_of(exercise, records.get(key(exercise), Record()))
            yield from _runs(exercise, kept, state is not State.PASSED)


LABELS = ("state", "failed tries", "hints", "solution", "first check", "passed", "time")
"""The columns after the exercise's name."""


def _row(exercise: Exercise, record: Record) -> str:
    state = state_of(exercise, record)
    mark = terminal.MARKS[state][0]
    words = state.value
    if state is State.TRIED:
        words = terminal.tried(record.tries)
    cells = (
        f'<span class="{state.name.lower()}">{mark} {words}</span>',
        str(record.tries or ""),
        str(record.hints or ""),
        "seen" if record.solution else "",
        moment(record.begun),
        moment(record.when),
        _spent(record),
    )
    labelled = zip(LABELS, cells, strict=True)
    tds = "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in labelled)
    return f'<tr><th scope="row">{_text(terminal.title(exercise))}</th>{tds}</tr>'


def _spent(record: Record) -> str:
    if record.spent:
        return duration(record.spent)
    return "unknown" if record.tries or record.when else ""


def _runs(exercise: Exercise, kept: Sequence[Run], unfold: bool) -> Iterator[str]:
    count = counted(len(kept), "failing run")
    yield f"<h3>{_text(terminal.title(exercise))}: {count}</h3>"
    now = digest(exercise.path)
    for number, run in enumerate(kept):
        which = "the file as it is now" if run.file == now else "an earlier file"
        place = _text(run.summary.rpartition(": ")[2])
        yield (
            f"<details{' open' if unfold and not number else ''}><summary>"
            f'<span class="missing">✘</span> {_text(run.failed or "not checked")}<br>'
            f'<span class="quiet">{moment(run.at)}, {which}: {place}</span></summary>'
        )
        yield from _run(run)
        yield "</details>"


def _run(run: Run) -> Iterator[str]:
    rows = [
        f"<dt>{_text(label)}</dt><dd>{_text(text)}</dd>" for label, text in run.rows
    ]
    yield f"<dl>{''.join(rows)}</dl>"
    if run.svg:
        # As an image it can run nothing, even if somebody has changed what was kept.
        data = b64encode(run.svg.encode("utf-8", "replace")).decode()
        alt = "What went over the wire, drawn; the same as text follows"
        source = f"data:image/svg+xml;base64,{data}"
        yield f'<figure tabindex="0"><img alt="{alt}" src="{source}"></figure>'
    for title, lines in (("The run as text", run.wire), ("More", run.more)):
        if lines:
            yield f"<details><summary>{title}</summary>"
            yield f"<pre>{_text(chr(10).join(lines))}</pre></details>"


def _foot(now: datetime) -> Iterator[str]:
    zone = now.astimezone().strftime("%z")
    dates = f"Dates are those of the machine that wrote this, UTC{zone[:3]}:{zone[3:]}."
    yield "<h2>How to read this</h2>\n<ul>"
    for note in (*NOTES, dates):
        yield f"<li>{note}</li>"
    yield "</ul>"


NOTES = (
    "Nothing was checked for this page: a state is what the last check of the file"
    " found. Whether a file that was changed since then passes, a check would tell.",
    "A failed try is a file that was checked and did not pass. The same file checked"
    " again is no new try, nor is the file as it was shipped; what"
    " <code>pytest --mine</code> finds is not kept.",
    f"There are {terminal.HINTS} hints an exercise. A solution is seen if it was shown"
    " before the exercise passed; the folder <code>solutions</code> is open to all.",
    "Time is what lies between one check of a new file and the next, from the first"
    f" check to the pass, without gaps of more than {BREAK // 60} minutes. Reading, and"
    " work before the first check, are not seen; of one check alone it is unknown.",
    f"Of each exercise the last {runs.KEPT} failing runs are kept, each of another one;"
    " a reset forgets them, and the tries.",
    "All this stands in <code>.progress.json</code> and <code>.progress.runs</code> in"
    " the workbook's folder, where the learner may change it: this is no certificate."
    f" When they are lost, <code>{LEARN} check</code> restores every state; dates,"
    " times, tries, hints and runs are gone.",
    "This page holds no script and loads nothing. Nothing was sent anywhere.",
)
"""What the columns mean; HTML."""


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: "1 hint", "2 hints"."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def duration(seconds: int) -> str:
    """Seconds as one would say them: "under 1 min", "25 min", "1 h 05 min"."""
    minutes = seconds // 60
    if minutes < 1:
        return "under 1 min"
    return (
        f"{minutes // 60} h {minutes % 60:02} min"
        if minutes >= 60
        else f"{minutes} min"
    )


def moment(when: str | None) -> str:
    """A date of the progress as local time; as it stands where it is none."""
    if not when:
        return ""
    try:
        return local(datetime.fromisoformat(when))
    except (ValueError, OverflowError, OSError):
        return _text(when)


def local(when: datetime) -> str:
    """A time on this machine's clock, to the minute."""
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


def _text(text: str) -> str:
    """A text for HTML, with nothing in it that is not seen."""
    return escape(terminal.printable(text))
