"""Runs a command on a machine that stumbles: `python -m tests.stalls -- COMMAND`.

Again and again one of the processes that the command has started is stopped for a
moment, as a busy machine does. A test or check whose outcome depends on a moment fails
here, once in a few runs and not once in a thousand. The command itself goes on all the
time: of pytest with `-n` that is the one which hands out the tests.
"""

import argparse
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

EVERY = 0.05
"""Seconds between two stops, on the average; several may be stopped at once."""

SPARED = {"redis-server", "valkey-server"}
"""Programs that tests stop and let go on: we would wake them too early."""


def stumble(root: psutil.Process, longest: float, chance: random.Random) -> int:
    """Stop one after the other of its descendants for a moment, until it has ended.

    Returns:
        How many were stopped.
    """
    stopped: list[tuple[float, psutil.Process]] = []
    count = 0
    try:
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            with suppress(psutil.Error, IndexError):
                process = chance.choice(root.children(recursive=True))
                if may_stop(process):
                    until = time.monotonic() + chance.uniform(0, longest)
                    stopped.append((until, process))
                    process.send_signal(signal.SIGSTOP)
                    count += 1
            time.sleep(chance.expovariate(1 / EVERY))
            over = [one for one in stopped if one[0] <= time.monotonic()]
            for one in over:
                stopped.remove(one)
                wake(one[1])
    finally:
        for _, process in stopped:
            wake(process)
    return count


def may_stop(process: psutil.Process) -> bool:
    """Whether nobody else stops this one, or has stopped it."""
    here = process.status() != psutil.STATUS_STOPPED
    return here and process.name() not in SPARED


def wake(process: psutil.Process) -> None:
    """Let a stopped process go on, if it still is."""
    with suppress(psutil.Error):
        process.send_signal(signal.SIGCONT)


def main() -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=float, default=0.5, help="seconds (0.5)")
    parser.add_argument("--seed", type=int, default=1, help="of the choices (1)")
    parser.add_argument("command", nargs="+", help="after --")
    to = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    command = subprocess.Popen(to.command)
    count = stumble(psutil.Process(command.pid), to.longest, random.Random(to.seed))
    print(f"stopped processes {count} times, for at most {to.longest:g} s each")
    return command.wait()


if __name__ == "__main__":
    sys.exit(main())
