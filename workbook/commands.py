"""What each verb of the command line does. Imports what it needs when it needs it."""

import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from workbook.arguments import LEARN

ROOT = Path(__file__).resolve().parent.parent

ALONE = {"-s", "--pdb", "--trace", "--co", "--collect-only", "--capture=no"}
"""Options of pytest that make no sense in several processes."""

BENCH_FLAGS = ("short", "long", "suite", "record")

WORKERS = ("-n", "6", "--dist", "loadgroup")


def do(arguments: Namespace) -> int:
    """Do what was asked for; returns the exit status.

    Raises:
        course.NotFound: there is no such chapter or exercise.
    """
    return VERBS[arguments.verb](arguments)


def list_all(_: Namespace) -> int:
    from workbook import desk

    return desk.list_all()


def check(arguments: Namespace) -> int:
    from workbook import desk

    return desk.check(arguments.target)


def hint(arguments: Namespace) -> int:
    from workbook import desk

    return desk.hint(arguments.target)


def solution(arguments: Namespace) -> int:
    from workbook import desk

    return desk.solution(arguments.target, arguments.yes)


def reset(arguments: Namespace) -> int:
    from workbook import desk

    return desk.reset(arguments.target)


def watch(arguments: Namespace) -> int:
    from workbook import watch

    return watch.watch(arguments.target, arguments.manual)


def run(arguments: Namespace) -> int:
    from workbook import course, running
    from workbook.course import Exercise

    found = course.find(arguments.target)
    if isinstance(found, Exercise):
        title, file = f"Exercise {found.id}, {found.title}", found.path
        way_back = f"{LEARN} reset {found.id}"
        if not has_app(found.solution):
            print(f"Exercise {found.id} is about functions: there is no app to run.")
            print(f"Check it: {LEARN} check {found.id}")
            return 1
    else:
        title, file = f"Chapter {found.number}, {found.title}", found.app
        way_back = f"git checkout {file.relative_to(ROOT).as_posix()}"
    if not file.exists():
        print(f"{file.relative_to(ROOT).as_posix()} is missing: {way_back}")
        return 1
    return running.run(
        running.App(title, file),
        port=arguments.port,
        browser=not arguments.no_browser,
        reload=not arguments.no_reload,
        workers=arguments.workers,
    )


def has_app(file: Path) -> bool:
    """Whether a file defines `app`."""
    source = file.read_text(encoding="utf-8")
    return re.search(r"^app\s*[:=]", source, re.MULTILINE) is not None


def report(arguments: Namespace) -> int:
    from workbook import report

    return report.report(arguments.output)


def test(arguments: Namespace) -> int:
    import pytest

    given = set[str](arguments.pytest_args)
    alone = bool(given & ALONE) or any(option.startswith("-n") for option in given)
    return pytest.main([*(() if alone else WORKERS), *arguments.pytest_args])


def notebook(arguments: Namespace) -> int:
    from workbook import lab
    from workbook.course import find_chapter

    target: str | None = arguments.target
    return lab.open_notebook(find_chapter(target).notebook if target else None)


def explain(arguments: Namespace) -> int:
    from workbook import explain

    return explain.explain(arguments.words)


def doctor(_: Namespace) -> int:
    from workbook import doctor

    return doctor.examine(ROOT)


def bench(arguments: Namespace) -> int:
    import runpy
    import sys

    flags = [f"--{name}" for name in BENCH_FLAGS if getattr(arguments, name)]
    sys.argv[1:] = [*arguments.what, *flags]
    # In this process: so Ctrl-C, and whoever ends us, ends the benchmark.
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
    return 0  # not reached: it ends with a status of its own


VERBS: dict[str, Callable[[Namespace], int]] = {
    "list": list_all,
    "run": run,
    "check": check,
    "watch": watch,
    "hint": hint,
    "solution": solution,
    "reset": reset,
    "notebook": notebook,
    "report": report,
    "test": test,
    "explain": explain,
    "doctor": doctor,
    "bench": bench,
}
