"""From what was seen to what went wrong: a failure gets its line and its hint.

The most telling comes first: a program that ended or was ended, an event loop that
stood still, a misconception that left its sign; else the check's own hint stays.
"""

import ast
from pathlib import Path

from workbook import ending
from workbook.answer import Answer, line
from workbook.failure import Failure, Line
from workbook.misconceptions import Evidence, recognise


def explain(failure: Failure, answer: Answer) -> None:
    """Complete a failure with the line that did it, the learner's frames, a hint.

    It asks the answer's process, which may be hung or gone, and waits for at most
    a second or two.
    """
    ended = ending.explain(failure, answer)
    failure.printed = answer.process.last_prints()
    if ended:
        return
    evidence = _evidence(failure, answer)
    if evidence.crash is not None:
        failure.locate(evidence.crash)
        failure.got = _raised(failure, evidence.crash["error"])
    misconception = recognise(evidence)
    if misconception is not None:
        failure.misconception = misconception.id or None
        failure.hint = misconception.say(evidence)
        place = misconception.place(evidence)
        if place is not None:
            failure.where = Line(str(answer.file), *place)
    if failure.where is None:
        failure.where = _line_of(failure, evidence, answer)
    if failure.silent and failure.where is not None and failure.hint is None:
        failure.hint = "The handler waits at this line, and goes no further."


def _raised(failure: Failure, error: str) -> str:
    """What the client got when its handler raised, and that this is why."""
    event = failure.event
    if event is not None and event.kind == "end":
        return f"no close frame (1006): the handler raised {error}"
    if event is not None and event.kind == "response" and event.code == 500:
        return f"HTTP 500: the handler raised {error}"
    return failure.got


def _evidence(failure: Failure, answer: Answer) -> Evidence:
    events = [e for e in answer.wire if e.kind == "request"]
    paths = [e.data for e in events if failure.who == e.client]
    path = paths[-1] if paths and isinstance(paths[-1], str) else "/ws"
    return Evidence(
        failure,
        list(answer.process.reports),
        answer.process.output,
        answer.server.routes if answer.server else [],
        path.partition("?")[0],
        answer.file.read_text("utf-8", "replace"),
    )


def _line_of(
    failure: Failure,
    evidence: Evidence,
    answer: Answer,
) -> Line | None:
    """The line that sent what came, closed, or waits while nothing comes."""
    if failure.action == "called" and failure.sent is not None:
        return _returning(failure.sent.partition("(")[0], answer.file, evidence.source)
    event = failure.event
    if event is None or answer.server is None:
        return None
    if failure.silent:
        waiting = answer.server.waiting(failure.port)
        return waiting[0] if len(waiting) == 1 else None
    end = evidence.returned
    if event.kind == "close" and end is not None:
        return line(end["seen"].get("close_line"))
    if event.kind in ("text", "binary"):
        sends = answer.process.ask("sends", port=failure.port) or {}
        lines = sends.get("lines", [])
        if failure.received < len(lines):
            return line(lines[failure.received])
    return None


def _returning(name: str, file: Path, source: str) -> Line | None:
    """The only line at which a function of the file returns, or else its first."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # it has been changed since it ran
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            ends = [n.lineno for n in ast.walk(node) if isinstance(n, ast.Return)]
            number = ends[0] if len(ends) == 1 else node.lineno
            return Line(str(file), number, source.splitlines()[number - 1])
    return None
