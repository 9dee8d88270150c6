"""Every hostile program on an exercise that needs a Redis; it takes three minutes:

    python -m tests.hostile_redis

Those of `hostile/` beside an app that relays by Redis, and those of `hostile/relay/`,
which only a Redis makes possible. None may pass, outlive its limit or leave anything;
one line each says what its learner was told, and the next answer must be checked.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

import psutil

from tests.test_hostile import GROUPS, RELAY, Trial, files, links, on_redis
from workbook import checks
from workbook.course import find_exercise

LESS = {
    "handler_floods.py",
    "handler_gulps_memory.py",
    "handler_spins.py",
    "handler_waits_accepted.py",
}
"""Those that a learner is told less of here: it is the handler of the client who spoke
that goes on and on, and another one hears nothing."""

QUICK = {"reply": 5.0}
"""Seconds that an answer may take where the program sets no limit of its own."""


def programs() -> list[Path]:
    """All that can run here and serve an app."""
    served = [file for group in GROUPS if group != "call" for file in files(group)]
    return [*served, *sorted(RELAY.glob("link_*.py"))]


def asleep(seconds: str) -> list[str]:
    """The command lines with this number in them."""
    found = [
        process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])
    ]
    return [" ".join(words) for words in found if seconds in words]


def main(names: list[str]) -> int:
    """Try all, or those that are named; 0 if no fault was found."""
    relay, faults = find_exercise("5.1"), 0
    seconds = f"1000.{random.randrange(10**9)}"
    os.environ["HOSTILE"] = seconds  # for the processes after the first
    with tempfile.TemporaryDirectory() as folder:
        chosen = [p for p in programs() if not names or p.stem in names]
        for file in on_redis(chosen, Path(folder)):
            trial = Trial(file, relay, quick=QUICK)
            found = trial.faults
            if file.name in LESS:
                found = [fault for fault in found if " has no " not in fault]
            found += [f"{one} still runs" for one in asleep(seconds)]
            found += [f"{thread.name} still relays" for thread in links()]
            faults += bool(found)
            failure = trial.verdict.failure
            told = failure.got if failure is not None else "it passed"
            print(
                f"{trial.took:5.1f} s  {file.stem}: {told[:70]}", *found, sep="\n    "
            )
            sys.stdout.flush()
    honest = checks.run(relay, RELAY / "shouting.py").ok
    print(f"{len(chosen)} programs, {faults} with faults; the next passes: {honest}")
    return 0 if honest and not faults else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
