"""Counts how often the workbook is wrong: `python -m tests.figures`.

The known answers are judged again and again, the suite is run again and again, and the
code is changed to see whether a test notices. Each part can be asked for by its name;
with `--record` what it found replaces what `figures.json` has of it, and the table in
README.md is made anew. Nothing else writes that table.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests import mutants, repeat
from workbook import course
from workbook.course import ROOT

FIGURES = Path(__file__).with_name("figures.json")
README = ROOT / "README.md"
VERSIONS = ("fastapi", "starlette", "uvicorn", "websockets", "pytest", "mutmut")
LONGEST = 0.5  # seconds that a process is stopped for, under tests.stalls
CORES = os.cpu_count() or 1

TABLE = re.compile(r"(<!-- begin figures -->\n).*?(<!-- end figures -->)", re.DOTALL)
TESTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")

Data = dict[str, Any]


def right(to: Namespace) -> Data:
    """Every known right answer, half of the times beside busy cores."""
    return judge("right", to.times, to.jobs)


def wrong(to: Namespace) -> Data:
    """Every known wrong answer, and a fifth as often: it is waited for longer."""
    return judge("wrong", max(to.times // 5, 1), to.jobs)


def judge(side: str, times: int, jobs: int) -> Data:
    """The answers of one side, half of the times beside busy cores."""
    rows: list[Data] = []
    for chapter in course.chapters():
        row: Data = {}
        for busy, count in (False, times - times // 2), (True, times // 2):
            with repeat.busy_cores(CORES) if busy else nullcontext():
                found = repeat.repeat(chapter, count, jobs, side)
            for name in ("runs", *repeat.FAULTS):
                found[name] += row.get(name, 0)
            row = {**found}
        rows.append(row)
        print(row, flush=True)
    return {"times": times, "busy": times // 2, "chapters": rows}


def stalls(to: Namespace) -> Data:
    """Every known answer while processes are stopped for a moment."""
    times = max(to.times // 10, 1)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        stumbling = ["tests.stalls", "--longest", str(LONGEST), "--", sys.executable]
        repeated = ["tests.repeat", "--times", str(times), "--json", str(file)]
        command = [sys.executable, "-m", *stumbling, "-m", *repeated]
        subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        return {"times": times, "chapters": json.loads(file.read_text("utf-8"))}


def alone(to: Namespace) -> Data:
    """Every check of a solution, in a process that runs no other one before it."""
    files = sorted(str(file) for file in (ROOT / "tests").glob("ch*/test_exercises.py"))
    listed = pytest("--collect-only", *files)
    listed.check_returncode()
    checks = [line for line in listed.stdout.splitlines() if "::" in line]
    with ThreadPoolExecutor(to.jobs) as pool:
        runs = list(zip(checks, pool.map(pytest, checks), strict=True))
    refused = [check for check, run in runs if run.returncode]
    for check, run in runs:
        if check in refused:
            print(run.stdout, flush=True)
    return {"checks": len(checks), "refused": refused}


def pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )


def suite(to: Namespace) -> Data:
    """The README's command, in a row and then once beside busy cores."""
    runs = [run_suite() for _ in range(to.suite)]
    with repeat.busy_cores(CORES):
        return {"in a row": runs, "busy": run_suite()}


def run_suite() -> Data:
    """One run of all tests: what became of them, and how long it took."""
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "learn.py", "test"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    run = {**summed_up(done.stdout), "status": done.returncode}
    run["seconds"] = round(time.monotonic() - begin)
    print(run, flush=True)
    if done.returncode:
        print(done.stdout, flush=True)  # of a flake there is no second look
    return run


def summed_up(output: str) -> Data:
    """What pytest says at the end, and which tests failed."""
    failed = re.findall(r"^(?:FAILED|ERROR) ([^\s\[]+(?:\[.+?\])?)", output, re.M)
    counts = TESTS.findall((output.splitlines() or [""])[-1])
    return {**{word: int(number) for number, word in counts}, "flakes": failed}


def mutmut(_: Namespace) -> Data:
    """The modules that pyproject.toml names, all anew."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    command = [str(Path(sys.executable).with_name("mutmut"))]
    quiet = {"cwd": ROOT, "stdin": subprocess.DEVNULL, "check": True}
    subprocess.run([*command, "run"], stdout=subprocess.DEVNULL, **quiet)
    asked = [*command, "results", "--all", "true"]
    said = subprocess.run(asked, stdout=subprocess.PIPE, encoding="utf-8", **quiet)
    return {"modules": by_module(said.stdout)}


def by_module(results: str) -> dict[str, Data]:
    """Of each module how many mutants there are, and what became of them."""
    modules: dict[str, Counter[str]] = {}
    for name, became in re.findall(r"^\s*workbook\.(\S+): (.+)$", results, re.M):
        modules.setdefault(name.partition(".")[0], Counter())[became] += 1
    return {
        module: {"mutants": became.total(), **became}
        for module, became in sorted(modules.items())
    }


def sample(to: Namespace) -> Data:
    """Mutants of the chapters and of the rest of workbook/, by tests.mutants."""
    rows: list[Data] = []
    for file in mutants.TESTS:
        rows.append(mutants.measure(file, to.most, CORES))
        print(rows[-1], flush=True)
    return {"most": to.most, "files": rows}


PARTS: dict[str, Callable[[Namespace], Data]] = {
    "right": right,
    "wrong": wrong,
    "stalls": stalls,
    "alone": alone,
    "suite": suite,
    "mutants": mutmut,
    "sample": sample,
}


def share(good: int, of: int) -> str:
    return f"{good:,} of {of:,}"


def judged(data: Data, how: str) -> list[list[str]]:
    """A row of a table for those right answers that were judged, and for wrong ones."""
    sums = Counter[str]()
    for row in data["chapters"]:
        sums.update({name: value for name, value in row.items() if name != "chapter"})
    refused, *untold = (sums[name] for name in repeat.FAULTS)
    kinds = (
        ("right answers", "accepted", refused),
        (
            "wrong answers",
            "caught, and told what is wrong",
            sum(untold),
        ),
    )
    return [
        [
            f"{known} {well}",
            f"{data['times']} × {sums[known]}{how}",
            share(data["times"] * sums[known] - faults, data["times"] * sums[known]),
        ]
        for known, well, faults in kinds
        if sums[known]
    ]


def of_answers(data: Data) -> list[list[str]]:
    return judged(data, f", {data['busy']} of them beside busy cores")


def of_stalls(data: Data) -> list[list[str]]:
    return judged(data, f", processes stopped for up to {LONGEST:g} s")


def of_alone(data: Data) -> list[list[str]]:
    count, refused = data["checks"], len(data["refused"])
    how = f"{count}, each in a process by itself"
    return [["checks that accept the solution", how, share(count - refused, count)]]


def of_suite(data: Data) -> list[list[str]]:
    runs = [*data["in a row"], data["busy"]]
    tests = max(run.get("passed", 0) for run in runs)
    took = median(run["seconds"] for run in data["in a row"])
    how = f"{tests:,} tests, {len(runs) - 1} × in a row and once beside busy cores"
    good = sum(not run["flakes"] and run["status"] == 0 for run in runs)
    what = f"runs of the suite without a flake; {took:.0f} s each"
    return [[what, how, share(good, len(runs))]]


def of_mutants(data: Data) -> list[list[str]]:
    modules = data["modules"].values()
    killed = sum(row.get("killed", 0) + row.get("timeout", 0) for row in modules)
    total = sum(row["mutants"] for row in modules)
    names = ", ".join(data["modules"])
    what = "changes of the code that a test sees"
    return [[what, f"mutmut: {names}", share(killed, total)]]


def of_sample(data: Data) -> list[list[str]]:
    rows: list[list[str]] = []
    lot = f"workbook/: {{}} modules, {data['most']} of each drawn by lot"
    for folder, how in ("chapters/", "chapters/: {} files"), ("workbook/", lot):
        files = [row for row in data["files"] if row["file"].startswith(folder)]
        killed, tried = (sum(row[k] for row in files) for k in ("killed", "tried"))
        what = "changes of the code that a test sees"
        rows += [[what, how.format(len(files)), share(killed, tried)]] if files else []
    return rows


ROWS: dict[str, Callable[[Data], list[list[str]]]] = {
    "right": of_answers,
    "wrong": of_answers,
    "stalls": of_stalls,
    "alone": of_alone,
    "suite": of_suite,
    "mutants": of_mutants,
    "sample": of_sample,
}


def table(figures: Data) -> str:
    """All parts that were recorded, as README.md has them."""
    lines = [["what", "how", "result", "taken"], ["---", "---", "---:", "---"]]
    for part, rows in ROWS.items():
        data = figures.get(part)
        lines += [[*row, data["taken"]] for row in rows(data)] if data else []
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def filled(text: str, figures: Data) -> str:
    """A README with the table as it should be."""
    return TABLE.sub(lambda found: found[1] + table(figures) + found[2], text)


def read() -> Data:
    return json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}


def installed() -> dict[str, str]:
    """The versions of what matters; mutmut is there for maintainers only."""
    found: dict[str, str] = {}
    for name in VERSIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def record(part: str, data: Data) -> None:
    """Keep what was found, and say it in the README."""
    from benchmarks import report  # here: it draws, which takes long to import

    where = report.machine() | {"versions": installed()}
    figures = read() | {part: where | data}
    figures = {name: figures[name] for name in PARTS if name in figures}
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    README.write_text(filled(README.read_text("utf-8"), figures), "utf-8")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; else all")
    parser.add_argument("--times", type=int, default=50, help="for each answer (50)")
    parser.add_argument("--jobs", type=int, default=CORES, help="answers at a time")
    parser.add_argument("--suite", type=int, default=10, help="in a row (10)")
    parser.add_argument("--most", type=int, default=20, help="mutants a module (20)")
    parser.add_argument("--record", action="store_true", help="keep the figures")
    to = parser.parse_args(argv)
    for part in to.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}: {', '.join(PARTS)} are")
    for part in to.parts or PARTS:
        begin = time.monotonic()
        data = PARTS[part](to)
        for row in ROWS[part](data):
            print(": ".join(row))
        print(f"{part}: {time.monotonic() - begin:.0f} s", flush=True)
        if to.record:
            record(part, data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
