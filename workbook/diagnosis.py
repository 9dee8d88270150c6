"""From what was seen to what went wrong: a failure gets its line and its hint.

The most telling comes first: a program that ended or was ended, an event loop that
stood still, a misconception that left its sign; else the check's own hint stays.
"""

from workbook.answer import Answer, line
from workbook.failure import Failure, Line
from workbook.misconceptions import Evidence, recognise
from workbook.process import MEMORY_LIMIT


def explain(failure: Failure, answer: Answer) -> None:
    """Complete a failure with the line that did it, the learner's frames, a hint.

    It asks the answer's process, which may be hung or gone, and waits for at most
    a few seconds.
    """
    where = answer.process.ask("where")  # also: all reports before it are in now
    if where is None:
        answer.process.join(1.0)
    if _ended(failure, answer):
        return
    if failure.silent and where is not None and where["running"] is not None:
        failure.where = line(where["running"])
        failure.hint = _standing_still(answer)
        return
    evidence = _evidence(failure, answer)
    if evidence.crash is not None:
        failure.locate(evidence.crash)
    misconception = recognise(evidence)
    if misconception is not None:
        failure.misconception = misconception.id
        failure.hint = misconception.say(evidence)
    if failure.where is None:
        failure.where = _line_of(failure, evidence, answer, where)


def _ended(failure: Failure, answer: Answer) -> bool:
    """The program has ended, or we ended it: say why, and by what line."""
    process = answer.process
    reports = [r for r in process.reports if r["is"] in ("memory", "crash", "failed")]
    last = reports[-1] if reports else None
    if last is not None and last["is"] == "memory":
        failure.got = f"no more: your program held over {MEMORY_LIMIT >> 20} MiB"
        failure.where = line(last["running"] or (last["waiting"] or [None])[0])
        failure.hint = "Something grows without end. What is kept, and who lets it go?"
        return True
    if process.ending is not None:
        failure.got = f"no more: your program was ended, {process.ending}"
        failure.hint = failure.hint or "Look for a loop that never ends."
        return True
    if process.status is None or (last is not None and last["is"] == "failed"):
        return False
    status = f"exit status {process.status}"
    if process.status < 0:
        status = f"signal {-process.status}"
    failure.got = f"no more: your program ended by itself ({status})"
    failure.hint = "A server runs until it is told to stop. What ends yours?"
    if last is not None:
        failure.locate(last)
    return True


def _standing_still(answer: Answer) -> str:
    if answer.server is None:
        return "This line never ends, so the file is never ready. Take it out."
    return (
        "The whole server stood still at this line, for every client. "
        "Await something there, or end the loop."
    )


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
    )


def _line_of(
    failure: Failure,
    evidence: Evidence,
    answer: Answer,
    where: object,
) -> Line | None:
    """The line that sent what came, closed, or waits while nothing comes."""
    event = failure.event
    if event is None or answer.server is None:
        return None
    if failure.silent:
        waiting = answer.server.waiting()
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
