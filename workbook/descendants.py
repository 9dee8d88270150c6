"""What a process has started and not ended, found also where it hid."""

import os
import sys
from contextlib import suppress

import psutil

MARK = "WORKBOOK_CHILD"
"""The environment variable that a process's descendants inherit, also as daemons."""

HELPER = "a process of multiprocessing"
"""How what multiprocessing keeps for itself is named."""

ROUNDS = 10
"""How often to look again for what was started while the others were ended."""


def find(root: int, mark: str, since: float) -> set[psutil.Process]:
    """The living processes that `root` has started, directly or not.

    Args:
        root: the process's number, the leader of its session; it may have died.
        mark: the value of its MARK.
        since: when it was started, as psutil says it: seconds since the epoch.

    Returns:
        Its descendants, whoever is in its session, and whoever carries its mark,
        such as a daemon. `root` itself is not among them.
    """
    found: set[psutil.Process] = set()
    same = True  # the number still means the one that we know
    with suppress(psutil.Error):
        process = psutil.Process(root)
        same = process.create_time() == since
        found.update(process.children(recursive=True) if same else ())
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.create_time() < since:
                continue
            if (same and _session(process) == root) or _mark(process) == mark:
                found.add(process)
    return {p for p in found if p.pid != root and is_alive(p)}


def _session(process: psutil.Process) -> int | None:
    return None if sys.platform == "win32" else os.getsid(process.pid)


def _mark(process: psutil.Process) -> str | None:
    return process.environ().get(MARK)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that only waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def describe(process: psutil.Process) -> str:
    """A process's command line as far as a reader needs it."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return "one that has ended since"
    if any("workbook.forkserver" in w or "workbook.child" in w for w in words):
        return "a copy of your program"
    if any("multiprocessing" in word for word in words):
        return HELPER
    return " ".join(words)[:50] or "one without a name"


def end(root: int, mark: str, since: float, known: set[psutil.Process]) -> None:
    """End them all, also those that are started meanwhile.

    Args:
        root: see `find`, as for `mark` and `since`.
        known: those found before; without their parent some cannot be found again.
    """
    found = known | find(root, mark, since)
    for _ in range(ROUNDS):
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.2)
        found = find(root, mark, since)
        if not found:
            return
