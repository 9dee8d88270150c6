"""The Autobahn|Testsuite's fuzzing client against /ws/raw, for a maintainer.

    python tests/ch01_echo/autobahn.py

The suite that PyPI has runs on CPython 2.7 only. It is installed into a cache folder
of this user (60 MB, once); its report, with a page for each case, is left there.
Exits with 0 when every case ended as `deviations.py` says and the server's log shows
no traceback.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # this file is run by its path

from tests.ch01_echo.deviations import DEVIATIONS, OK, Outcome  # noqa: E402
from workbook.server import Server  # noqa: E402

APP = ROOT / "chapters" / "ch01_echo" / "app.py"
SUITE = "autobahntestsuite==0.8.2"  # pip finds by itself what of the rest 2.7 can run
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.*", "9.2.*", "10.*"]
COUNT = 259
"""How many cases of this version these patterns mean."""

CACHE = platformdirs.user_cache_path("fastapi-websockets-workbook") / "autobahn"
REPORTS = CACHE / "reports"

INSTALL, RUN = 600, 300
"""Seconds for the installation and for the suite, which take about 15 and 12."""

NO_PYTHON = (
    "The Autobahn|Testsuite needs a Python 2.7 with pip, and there is none: neither "
    "python2.7 on PATH nor one in pyenv (`pyenv install 2.7.18` makes one)."
)


def pythons() -> Iterator[str]:
    """Where a Python 2.7 may be."""
    for name in ("python2.7", "python2"):
        if found := shutil.which(name):
            yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob("versions/2.7*/bin/python2.7")))


def environment() -> dict[str, str]:
    """Of the processes of Python 2.7: what they import is theirs alone."""
    ours = ("PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONUSERBASE": str(CACHE)}


def runs(python: str, code: str) -> bool:
    """Whether this Python runs this code without an error."""
    command = [python, "-c", code]
    result = subprocess.run(command, env=environment(), capture_output=True, timeout=60)
    return result.returncode == 0


def find_python() -> str:
    """The first Python 2.7 that has pip; a pyenv shim may be there and not run."""
    check = "import sys, pip; sys.exit(sys.version_info[:2] != (2, 7))"
    for python in pythons():
        if runs(python, check):
            return python
    sys.exit(NO_PYTHON)


def install(python: str) -> None:
    """Put the suite where only `environment` finds it."""
    if runs(python, "import autobahntestsuite.wstest"):
        return
    print(f"Installing {SUITE} into {CACHE} ...", flush=True)
    options = ["-qq", "--user", "--ignore-installed", "--no-warn-script-location"]
    command = [python, "-m", "pip", "install", *options, SUITE]
    subprocess.run(command, env=environment(), check=True, timeout=INSTALL)


def fuzz(python: str, port: int) -> Mapping[str, Outcome]:
    """Run the cases; the outcome of each, by its number."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    server = {"agent": "ch01_echo", "url": f"ws://127.0.0.1:{port}/ws/raw"}
    spec = {"outdir": str(REPORTS), "servers": [server], "cases": CASES}
    spec |= {"exclude-cases": [], "exclude-agent-cases": {}}
    (CACHE / "spec.json").write_text(json.dumps(spec))

    start = "from autobahntestsuite.wstest import run; run()"
    options = ["--mode", "fuzzingclient", "--spec", str(CACHE / "spec.json")]
    with (REPORTS / "log.txt").open("w") as log:
        subprocess.run(
            [python, "-c", start, *options],
            env=environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=RUN,
        )
    report = json.loads((REPORTS / "index.json").read_text())["ch01_echo"]
    return {
        case: Outcome(result["behavior"], result["behaviorClose"])
        for case, result in report.items()
    }


def surprises(outcomes: Mapping[str, Outcome], log: str) -> list[str]:
    """What is not as `deviations.py` says, a line for each."""
    lines: list[str] = []
    if len(outcomes) != COUNT:
        lines.append(f"{len(outcomes)} cases were run, not {COUNT}.")
    for case, outcome in outcomes.items():
        listed = DEVIATIONS[case].outcomes if case in DEVIATIONS else {OK}
        if outcome not in listed:
            wanted = " or ".join(sorted(" / ".join(each) for each in listed))
            lines.append(f"Case {case}: {' / '.join(outcome)}, listed {wanted}.")
    if count := log.count("Traceback"):
        lines.append(f"Tracebacks in the server's log: {count}.")
    return lines


def main() -> int:
    python = find_python()
    install(python)
    started = time.monotonic()
    with Server(APP) as server:
        outcomes = fuzz(python, server.port)
    seconds = time.monotonic() - started

    counts = Counter(outcome.behavior for outcome in outcomes.values())
    told = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    print(f"{len(outcomes)} cases in {seconds:.0f} s: {told}.")
    found = surprises(outcomes, server.log)
    for line in found:
        print(line)
    print(f"Read {REPORTS / 'index.html'}" if found else "All as listed, no traceback.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
