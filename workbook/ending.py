"""How a program ended, was ended, or stood still, told in one message.

The most telling comes first: what we ended it for, what it could not start for, by
what it ended itself, what keeps it from answering.
"""

import re
import signal
from contextlib import suppress
from pathlib import Path

from workbook.answer import Answer, line
from workbook.failure import Failure, Line
from workbook.process import Report

EXITS = re.compile(r"^[^#]*\b(_exit|abort|kill|killpg|sys\.exit|exit|quit)\(")
"""A line that ends a program, where the program can no longer say so."""

CLOSES = re.compile(r"^[^#]*\b(closerange|close)\(")

AT_IMPORT = {
    "SystemExit": "This line ends the program. A server must go on: take it out.",
    "KeyboardInterrupt": "Python takes this for Ctrl-C, and ends. Take it out.",
}

IN_HANDLER = {
    "SystemExit": "This ends the server for everybody. To end one handler: return.",
    "KeyboardInterrupt": "This is Ctrl-C for the whole server. To end one handler: "
    "return.",
}


def explain(failure: Failure, answer: Answer) -> bool:
    """Say so if the program has ended, was ended, or stands still.

    Args:
        failure: a check's no, to be completed.
        answer: the file that was checked; its process may be hung or gone.

    Returns:
        Whether that is what went wrong.
    """
    where = answer.process.where()  # also: all reports before it are in now
    if where is None:
        answer.process.join(0.3)
    reports = [r for r in answer.process.reports if r["is"] in ("crash", "failed")]
    last = reports[-1] if reports else None
    if answer.process.ending is not None:
        _was_ended(failure, answer.process.ending, where)
    elif last is not None and last["is"] == "failed":
        failure.hint = AT_IMPORT.get(last["error"], failure.hint)
        return last["error"] in AT_IMPORT
    elif answer.process.status is not None:
        _ended_itself(failure, answer, last)
    elif answer.process.is_cut_off():
        failure.got = "no more: your program closed what the server needs"
        failure.where = _line_with(CLOSES, answer.file)
        failure.hint = "Close only what you opened. The server's own sockets are gone."
    elif failure.silent:
        return _stood_still(failure, answer, where)
    else:
        return False
    return True


def _was_ended(failure: Failure, why: str, where: Report | None) -> None:
    failure.got = f"no more: your program was ended, {why}"
    failure.where = _line_now(where)
    if "MiB" not in why:
        failure.hint = "Each answer came in time, and yet there was no end to them."
    elif "held" in why:
        failure.hint = "Something grows without end. What is kept, and who lets it go?"
    else:
        failure.hint = "It prints without end. Look for the loop that does."


def _line_now(where: Report | None) -> Line | None:
    """The one line at which the program is, if it is one."""
    if where is None:
        return None
    if where["running"] is not None:
        return line(where["running"])
    places = {tuple(place) for _, *place in where["waiting"]}
    places = places or {tuple(place) for place in where["threads"]}
    return Line(*places.pop()) if len(places) == 1 else None


def _ended_itself(failure: Failure, answer: Answer, last: Report | None) -> None:
    status = answer.process.status or 0
    said = f"exit status {status}"
    if status < 0:
        said = f"signal {-status}"
        with suppress(ValueError):
            said = signal.Signals(-status).name
    failure.got = f"no more: your program ended by itself ({said})"
    if last is not None:
        failure.locate(last)
        failure.hint = IN_HANDLER.get(last["error"])
    else:
        failure.where = _line_with(EXITS, answer.file)
    if failure.hint is None or last is None:
        failure.hint = "A server runs until it is told to stop. What ends yours?"


def _stood_still(failure: Failure, answer: Answer, where: Report | None) -> bool:
    """Silence: the code holds the interpreter, the import, or the event loop."""
    if where is None:
        failure.got = f"{failure.got}: one operation keeps Python itself busy"
        failure.hint = "Look for a huge number, a list without end, a hard pattern."
        return True
    serving = answer.server is not None
    failure.where = _line_now(where)
    if where["running"] is not None:
        failure.hint = STANDS_STILL if serving else _never_imported(failure.where)
        if serving:
            failure.got = f"{failure.got}: the server stood still"
        return True
    if not serving and where["waiting"]:
        failure.got = f"{failure.got}: the app was still starting up"
        failure.hint = (
            "No client is served before the start-up is done. What does it wait for?"
        )
        return True
    return False


STANDS_STILL = (
    "The whole server stood still at this line, for every client. "
    "Await something there, or end the loop."
)


def _never_imported(place: Line | None) -> str:
    if place is not None and "uvicorn.run(" in place.code:
        return "This file is served by whoever imports it. Take uvicorn.run() out."
    return (
        "This line is reached while the file is imported, and never ends. "
        "Take it out, or put it into a function."
    )


def _line_with(pattern: re.Pattern[str], file: Path) -> Line | None:
    """The only line of the file that has the pattern, if it is only one."""
    with suppress(OSError):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [n for n, code in enumerate(lines, 1) if pattern.match(code)]
        if len(found) == 1:
            return Line(str(file), found[0], lines[found[0] - 1])
    return None
