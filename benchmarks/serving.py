"""Apps that are measured: each on a core of its own, and what CPU it has had."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from workbook import broker

ROOT = Path(__file__).resolve().parent.parent

START = 30.0  # seconds that an app may take until it answers

# The clients of a benchmark answer no pings. In a run that takes long, as on a machine
# that is slow, they would be let go.
NO_PINGS = ("--ws-ping-interval", "3600")


def cpu_time(*processes: psutil.Process) -> float:
    """Seconds of CPU that they have had."""
    return sum(_cpu_time(process) for process in processes)


def _cpu_time(process: psutil.Process) -> float:
    # psutil has hundredths of a second, Linux' scheduler nanoseconds.
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    try:
        spent = [int(each.read_text().split()[0]) for each in threads]
    except OSError:  # a thread has ended meanwhile
        spent = []
    if spent:
        return sum(spent) / 1e9
    times = process.cpu_times()
    return times.user + times.system


def cores() -> tuple[set[int], set[int]]:
    """A core for the server, and those for the load.

    Both are empty, which says that they share all, where there is only one, or where
    the system does not let us choose.
    """
    if not hasattr(os, "sched_setaffinity"):
        return set(), set()
    first, *others = sorted(os.sched_getaffinity(0))
    return ({first}, set(others)) if others else (set(), set())


def pin(process: int, to: Collection[int]) -> None:
    """Keep a process on these cores, if there are any. 0 is this process."""
    if to:
        os.sched_setaffinity(process, to)


@contextmanager
def served(
    app: str,
    *options: str,
    python: Path | str = sys.executable,
    env: Mapping[str, str] | None = None,
    on: Collection[int] = (),
) -> Iterator[tuple[int, psutil.Process]]:
    """An app on a uvicorn as anybody starts it; gives the port, and the process.

    Args:
        app: as uvicorn takes it: "chapters.ch04_broadcast.app:app".
        options: more of uvicorn's.
        python: serves it.
        env: more environment variables for it.
        on: the cores that it is kept on.
    """
    command = ["uvicorn", app, "--log-level", "warning", *NO_PINGS, *options]
    with started(*command, python=python, env=env, on=on) as found:
        yield found


@contextmanager
def started(
    module: str,
    *options: str,
    python: Path | str = sys.executable,
    env: Mapping[str, str] | None = None,
    on: Collection[int] = (),
) -> Iterator[tuple[int, psutil.Process]]:
    """`python -m module` as a server that is told its `--port`; else as `served`."""
    port = free_port()
    # A peer that loses texts may log a traceback for each: that is no news. Only what
    # our own apps log is shown.
    ours = any(option.startswith("chapters.") for option in options)
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [str(python), "-m", module, *options, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdout=None if ours else log,
            stderr=None if ours else log,
        )
        try:
            pin(child.pid, on)
            _await(port, child, log)
            yield port, psutil.Process(child.pid)
        finally:
            child.kill()
            child.wait()


def allow_files(wanted: int) -> int:
    """Have the system let us, and whom we start, open so many; how many it lets us."""
    try:
        import resource
    except ImportError:  # on Windows, which has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS has another limit besides
        return soft
    return wanted


def free_port() -> int:
    # uvicorn's --fd would do without, but takes the socket for one that is not TCP,
    # and so leaves Nagle's wait switched on: 40 ms for the second of two small writes.
    # One that the system gives to nobody meanwhile.
    return broker.free_port()


def _await(port: int, server: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    end = time.monotonic() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace"))
                raise
            time.sleep(0.02)
        else:
            return
