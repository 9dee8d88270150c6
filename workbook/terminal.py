"""A verdict, told in a terminal: the message, the drawn wire, the folded traceback."""

import textwrap

from rich.console import Console
from rich.text import Text

from workbook import diagram
from workbook.checks import Verdict
from workbook.failure import Failure
from workbook.wire import Wire

WIDTH = 80
"""Columns that everything fits into."""

STYLES: dict[diagram.Style, str] = {
    "head": "bold",
    "out": "",
    "in": "",
    "wrong": "bold red",
    "quiet": "dim",
}


def message(failure: Failure, width: int = WIDTH) -> list[tuple[str, str]]:
    """A failure's rows, label and text, the texts wrapped to `width` columns.

    A row that needs a second line goes on with an empty label.
    """
    room = max(len(label) for label, _ in failure.lines) + 2
    rows: list[tuple[str, str]] = []
    for label, words in failure.lines:
        for n, part in enumerate(textwrap.wrap(words, width - room - 2) or [""]):
            rows.append((f"{label if n == 0 else '':{room}}", part))
    return rows


def drawn(wire: Wire) -> list[Text]:
    """A wire's text diagram, styled for a terminal."""
    return [Text(row.text, STYLES[row.style]) for row in diagram.text(wire, WIDTH)]


def explain_failure(failure: Failure, wire: Wire) -> list[Text]:
    """Everything that is told of one failed check, line by line."""
    lines: list[Text] = []
    for label, words in message(failure):
        style = {"hint": "bold yellow", "look at": "cyan"}.get(label.strip(), "")
        lines.append(Text.assemble("  ", (label, "dim"), (words, style)))
    if wire.events:
        lines += [Text(), *drawn(wire)]
    if failure.trace:
        lines += [Text(), Text("  traceback, your lines only:", "dim")]
        lines += [Text(f"    {frame}"[:WIDTH], "dim") for frame in failure.trace]
    return lines


def plain(failure: Failure, wire: Wire) -> str:
    """The same as plain text, for pytest and for files."""
    return "\n".join(line.plain.rstrip() for line in explain_failure(failure, wire))


def tell(verdict: Verdict, console: Console) -> None:
    """Print a verdict: what passed, and what is told of the first check that did not.

    Args:
        verdict: of one exercise.
        console: where to print.
    """
    ex = verdict.exercise
    head = f"{ex.id} {ex.title}"
    for check in verdict.passed:
        console.print(Text.assemble(("  ✔ ", "green"), check))
    if verdict.ok:
        every = f"all {verdict.total} checks pass" if verdict.total > 1 else "it passes"
        console.print(Text.assemble(("✔ ", "bold green"), (head, "bold"), f": {every}"))
        return
    if verdict.failed:
        console.print(Text.assemble(("  ✘ ", "red"), verdict.failed))
    console.print(
        Text.assemble(("✘ ", "bold red"), (head, "bold"), ": not yet"), end="\n\n"
    )
    if verdict.failure is not None:
        for line in explain_failure(verdict.failure, verdict.wire):
            console.print(line, overflow="crop", no_wrap=True)
