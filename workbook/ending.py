"""How a program ended, was ended, or stood still, told in one message.

The most telling comes first: what we ended it for, what it could not start for, by
what it ended itself, what keeps it from answering.
"""

import ast
import re
import signal
from contextlib import suppress
from pathlib import Path

from workbook.answer import Answer, line
from workbook.failure import Failure, Line
from workbook.process import CUT_OFF, Report

ENDERS = {"_exit", "abort", "kill", "killpg", "closerange", "dup2"}
"""Functions that end a program, or take its connections, before it can say so."""

AT_IMPORT = {
    "SystemExit": "This line ends the program. A server must go on: take it out.",
    "KeyboardInterrupt": "Python takes this for Ctrl-C, and ends. Take it out.",
    "ModuleNotFoundError": "No exercise needs more than requirements.txt names.",
    "RecursionError": "A function calls itself without end. Where should it stop?",
}

SIGNS = {
    "attempted relative import": "Your file is in no package. Import without the dot.",
    "codec can't decode": "Save the file as UTF-8, which is what Python reads.",
    "no running event loop": "At import no loop runs. lifespan can start it.",
}
"""Parts of an error's text at import, and what to do about it."""

IN_HANDLER = {
    "SystemExit": "An exit is no way out of a handler: close(), then return.",
    "KeyboardInterrupt": "Ctrl-C is no way out of a handler: close(), then return.",
    "RecursionError": AT_IMPORT["RecursionError"],
}

CLOSED = "Close only what you opened: the server has connections of its own."

STANDS_STILL = "The whole server stood still at this line, for every client. "

RELEASE = {
    r"\bawait\b": "Its await no longer waits. What ends the loop?",
    r"\bsleep\(": "Which sleep is awaited?",
    r"\b(?:redis|pubsub|subscription)\b": "redis.asyncio gives way, redis does not.",
    r"\binput\(": "Nobody sits at a server's keyboard.",
    "": "Await something there, or end the loop.",
}
"""What to do at the line where a server stands still, by what the line holds."""

NEVER_IMPORTED = (
    "This line is reached while the file is imported, and never ends. "
    "Take it out, or put it into a function."
)


def explain(failure: Failure, answer: Answer) -> bool:
    """Say so if the program has ended, was ended, or stands still.

    Args:
        failure: a check's no, to be completed.
        answer: the file that was checked; its process may be hung or gone.

    Returns:
        Whether that is what went wrong.
    """
    process = answer.process
    where = process.where()  # also: all reports before it are in now
    if where is None:
        process.join(0.3)
    cut_off = process.is_cut_off()  # first: it may end while we ask
    last = _last_crash(failure, answer)
    if process.ending is not None:
        _was_ended(failure, answer, where)
    elif last is not None and last["error"] == "MemoryError":
        failure.locate(last)
        _ate_memory(failure, "asked for", process.memory)
    elif last is not None and last["is"] == "failed":
        if last["error"] != "no app":  # it never ran: what a check says does not fit
            failure.hint = failure.misconception = None
        failure.hint = AT_IMPORT.get(last["error"], failure.hint)
        for sign, hint in SIGNS.items():
            if sign in last["text"]:
                failure.hint = hint
        return failure.hint is not None
    elif process.status is not None:
        _ended_itself(failure, answer, last)
    elif cut_off:
        failure.got = "no more: your program closed what the server needs"
        failure.where = _line_that_ends(answer.file)
        failure.hint = CLOSED
    elif failure.silent:
        return _stood_still(failure, answer, where)
    else:
        if last is not None:
            failure.hint = IN_HANDLER.get(last["error"], failure.hint)
        return False
    return True


def _last_crash(failure: Failure, answer: Answer) -> Report | None:
    """The exception that ended the import or the start-up, or else this handler."""
    for report in reversed(answer.process.reports):
        mine = report["is"] == "crash" and report["port"] in (failure.port, 0)
        if mine or report["is"] == "failed":
            return report
    return None


def _was_ended(failure: Failure, answer: Answer, where: Report | None) -> None:
    why = answer.process.ending or ""
    failure.where = _line_now(where)
    if "held" in why:
        _ate_memory(failure, "held", answer.process.memory)
        return
    failure.got = f"no more: your program was ended, {why}"
    failure.hint = "Each answer came in time, and yet there was no end to them."
    if "printed" in why:
        failure.hint = "It prints without end. Look for the loop that does."


def _ate_memory(failure: Failure, verb: str, most: int) -> None:
    failure.got = f"no more: your program {verb} more than {most >> 20} MiB"
    failure.hint = "Something is too big, or grows without end. What is it?"


def _line_now(where: Report | None) -> Line | None:
    """The one line at which the program is, if it is one."""
    if where is None:
        return None
    if where["running"] is not None:
        return line(where["running"])
    places = {tuple(place) for _, *place in where["waiting"]}
    places = places or {tuple(place) for place in where["threads"]}
    return Line(*places.pop()) if len(places) == 1 else line(where["busy"])


def line_for(port: int | None, where: Report) -> Line | None:
    """The one line at which the handler of the client at this port is."""
    places = {tuple(place) for client, *place in where["waiting"] if client == port}
    if not places:
        return line(where["busy"])
    return Line(*places.pop()) if len(places) == 1 else None


def _ended_itself(failure: Failure, answer: Answer, last: Report | None) -> None:
    status = answer.process.status or 0
    said = f"exit status {status}"
    if status < 0:
        said = f"signal {-status}"
        with suppress(ValueError):
            said = signal.Signals(-status).name
    failure.got = f"no more: your program ended by itself ({said})"
    failure.hint = "A program runs until it is told to stop. What ends yours?"
    failure.where = _line_that_ends(answer.file)
    if failure.where is not None:
        failure.hint = "This ends the whole program. To end one function: return."
    if last is not None:
        failure.locate(last)
    elif said == "SIGSEGV":
        failure.hint = "Python itself crashed. What is there that is not Python?"
    elif status == CUT_OFF:
        failure.got = "no more: your program closed what the server needs"
        failure.hint = CLOSED


def _stood_still(failure: Failure, answer: Answer, where: Report | None) -> bool:
    """Silence: the code holds the interpreter, the import, or the event loop."""
    if where is None:
        failure.got = f"{failure.got}: one operation keeps Python itself busy"
        failure.hint = "Look for a huge number, a list without end, a hard pattern."
        return True
    place = _line_now(where)
    if where["stage"] == "import":
        failure.got = f"{failure.got}: the file was still being imported"
        failure.hint = NEVER_IMPORTED
        if place is not None and "uvicorn.run(" in place.code:
            failure.hint = "Whoever imports this file serves it. Take this line out."
    elif where["stage"] == "call":
        failure.hint = "The function was called and has not returned from this line."
    elif where["running"] is not None:
        failure.got = f"{failure.got}: the server stood still"
        failure.misconception = "M23"
        code = place.code if place is not None else ""
        release = next(do for sign, do in RELEASE.items() if re.search(sign, code))
        failure.hint = STANDS_STILL + release
    elif where["stage"] == "startup":
        failure.got = f"{failure.got}: the app was still starting up"
        failure.hint = "No client is served until the start-up is done."
    else:
        told_to_stop = failure.action == "told"  # then no client waits for it
        failure.where = (place if told_to_stop else None) or failure.where
        return told_to_stop
    failure.where = place or failure.where
    return True


def _line_that_ends(file: Path) -> Line | None:
    """The line of the file that calls one of ENDERS, if there is just one."""
    with suppress(OSError, SyntaxError, ValueError, RecursionError):
        source = file.read_bytes()
        found = {
            node.lineno
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and _called(node.func) in ENDERS
        }
        if len(found) == 1:
            number = found.pop()
            code = source.decode("utf-8", "replace").splitlines()[number - 1]
            return Line(str(file), number, code)
    return None


def _called(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
