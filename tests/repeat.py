"""Judges the known answers many times: `python -m tests.repeat --times 50 --busy`.

A check that refuses a right answer once in a while, or that tells a wrong one now this
and now that, is a fault of the workbook. This counts such faults; the suite judges
each answer once.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from tests.test_exercises import asked, is_told_what_is_wrong, judge_wrong
from workbook import checks, course, terminal
from workbook.course import Chapter

BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Keeps a core busy for as long as we live."""

PASSED = "passed"
SIDES = ("right", "wrong")

FAULTS = ("right ones refused", "wrong ones that pass", "wrong ones told another thing")
"""What can be the matter with a verdict, as the figures name it."""

Run = tuple[str, Path, bool]
"""The number of an exercise, an answer to it, and whether that is a right one."""


def fault(run: Run) -> str | None:
    """What is wrong with the verdict on one answer; None if nothing is."""
    id, path, right = run
    judge = checks.run if right else judge_wrong
    verdict = judge(course.find_exercise(id), path)
    failure = verdict.failure
    if failure is None:
        return None if right and verdict.ok else PASSED
    told = terminal.plain(failure, verdict.wire)
    if right:
        return f"refused: {verdict.failed}\n{told}"
    if is_told_what_is_wrong(failure, path):
        return None
    wanted = f"{asked(path, 'Provokes')!r} and {asked(path, 'Misconception')}"
    return f"not told {wanted}, but {failure.misconception}\n{told}"


def answers(chapter: Chapter, only: str | None) -> list[Run]:
    """The known answers to a chapter's exercises: all, or "right" or "wrong" ones."""
    found: list[Run] = []
    for exercise in chapter.exercises:
        if only != "wrong":
            right = [exercise.solution, *exercise.right]
            found += [(exercise.id, path, True) for path in right]
        if only != "right":
            found += [(exercise.id, path, False) for path in exercise.wrong]
    return found


@contextmanager
def busy_cores(count: int) -> Generator[None]:
    """Keep so many cores busy meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def repeat(chapter: Chapter, times: int, jobs: int, only: str | None) -> dict[str, int]:
    """Judge each known answer so many times; print each fault, and count them."""
    known = answers(chapter, only)
    runs = known * times
    faults: Counter[str] = Counter()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for (id, path, right), said in zip(runs, pool.map(fault, runs), strict=True):
            if said is not None:
                faults[FAULTS[0 if right else 1 if said == PASSED else 2]] += 1
                print(f"{id} {path.stem} {said}\n", flush=True)
    return {
        "chapter": chapter.number,
        "right answers": sum(right for *_, right in known),
        "wrong answers": sum(not right for *_, right in known),
        "runs": len(runs),
        **{name: faults[name] for name in FAULTS},
    }


def main() -> int:
    """Judge the chapters wanted; 1 if there was any fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="for each (50)")
    parser.add_argument("--busy", action="store_true", help="beside busy cores")
    parser.add_argument("--chapter", help="its number or name; else all")
    parser.add_argument("--only", choices=SIDES, help="else both")
    parser.add_argument("--jobs", type=int, default=2, help="answers at a time (2)")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    to = parser.parse_args()
    chapters = [course.find_chapter(to.chapter)] if to.chapter else course.chapters()
    figures: list[dict[str, int]] = []
    with busy_cores((os.cpu_count() or 1) * to.busy):
        for chapter in chapters:
            figures.append(repeat(chapter, to.times, to.jobs, to.only))
            print(", ".join(f"{k}: {v}" for k, v in figures[-1].items()), flush=True)
    if to.json:
        to.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    faults = [row[name] for row in figures for name in FAULTS]
    return 1 if any(faults) or not figures else 0


if __name__ == "__main__":
    sys.exit(main())
