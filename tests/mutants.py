"""Changes one thing at a time and looks who notices: `python -m tests.mutants`.

For what mutmut cannot see: tests/mutants.md says why. Each mutant is made in a copy of
the workbook and tested there by processes that see no other ones, for a mutant of
what ends processes may end any. Words are left as they are.
"""

import argparse
import ast
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

from workbook.course import ROOT

ALONE = shlex.split("unshare --map-root-user --pid --fork --mount-proc --kill-child")
PYTEST = shlex.split("-m pytest -xq -p no:cacheprovider --timeout 60")
LIMIT = 400  # seconds that the tests of a mutant may take; who takes longer is seen

TESTS = {
    "chapters/ch01_echo/app.py": "ch01_echo/test_app.py ch01_echo/test_conformance.py",
    "chapters/ch02_concurrency/app.py": "ch02_concurrency/test_app.py",
    "chapters/ch03_dependencies/app.py": "ch03_dependencies/test_app.py",
    "chapters/ch04_broadcast/app.py": "ch04_broadcast/test_app.py",
    "chapters/ch04_broadcast/room.py": (
        "ch04_broadcast/test_room.py ch04_broadcast/test_app.py"
    ),
    "chapters/ch05_redis/app.py": "ch05_redis/test_app.py ch05_redis/test_faults.py",
    "chapters/ch05_redis/channel.py": (
        "ch05_redis/test_app.py ch05_redis/test_faults.py ch05_redis/test_workers.py"
    ),
    "workbook/answer.py": "test_answer.py test_checks.py",
    "workbook/checks.py": "test_checks.py",
    "workbook/client.py": "test_client.py",
    "workbook/desk.py": "test_desk.py test_learn.py",
    "workbook/diagram.py": "test_diagram.py",
    "workbook/doctor.py": "test_doctor.py",
    "workbook/ending.py": "test_checks.py test_hostile.py",
    "workbook/explain.py": "test_explain.py",
    "workbook/lesson.py": "test_lesson.py",
    "workbook/link.py": "test_link.py",
    "workbook/process.py": "test_process.py test_hostile.py",
    "workbook/progress.py": "test_progress.py",
    "workbook/report.py": "test_report.py",
    "workbook/running.py": "test_running.py",
    "workbook/server.py": "test_server.py test_workers.py",
    "workbook/terminal.py": "test_terminal.py",
    "workbook/watch.py": "test_watch.py",
}
"""A file, and the tests, below tests/, that must see a change of it."""

OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.Add: ast.Sub,
    ast.Mult: ast.Div,
    ast.And: ast.Or,
}
OPPOSITE |= {value: key for key, value in OPPOSITE.items()}


@dataclass(frozen=True)
class Mutant:
    """A source in which something else stands between two places, in bytes."""

    source: bytes
    start: int
    end: int
    new: str

    @property
    def mutated(self) -> bytes:
        return self.source[: self.start] + self.new.encode() + self.source[self.end :]

    def __str__(self) -> str:
        line = self.source[: self.start].count(b"\n") + 1
        old = " ".join(self.source[self.start : self.end].decode().split())
        return f"{line}: {old} -> {self.new}"


def changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What may stand in the place of a node, or of a part of it."""
    match node:
        case ast.Compare(ops=[op]):
            yield node, f"({replaced(node, ops=[OPPOSITE[type(op)]()])})"
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in OPPOSITE:
            yield node, f"({replaced(node, op=OPPOSITE[type(op)]())})"
        case ast.AugAssign(op=op) if type(op) in OPPOSITE:
            yield node, replaced(node, op=OPPOSITE[type(op)]())
        case ast.Constant(value=bool(value)):
            yield node, str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, f"{value + 1}"
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.Return(None):
            yield node, "pass"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Call(func=ast.Name(id="suppress"), args=errors):
            yield from ((error, "()") for error in errors)
        case ast.ExceptHandler(type=ast.Tuple(elts=errors)):
            yield from ((error, "()") for error in errors)
        case ast.Call(args=args, keywords=keywords):
            for one in keywords:
                rest = [other for other in keywords if other is not one]
                yield node, replaced(node, args=args, keywords=rest)
    test = getattr(node, "test", None)
    if isinstance(test, ast.Name | ast.Call | ast.Attribute | ast.NamedExpr):
        yield test, f"(not ({ast.unparse(test)}))"


def replaced(node: ast.AST, **parts: object) -> str:
    """The node's text with other parts."""
    values = {name: getattr(node, name, None) for name in node._fields}
    return ast.unparse(type(node)(**values | parts))


def mutants(source: bytes) -> Iterator[Mutant]:
    """All mutants of a source that can be made."""
    begin = [0]
    for line in source.splitlines(keepends=True):
        begin.append(begin[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        for old, new in changes(node):
            end_line, end = old.end_lineno or 0, old.end_col_offset or 0
            start = begin[old.lineno - 1] + old.col_offset
            yield Mutant(source, start, begin[end_line - 1] + end, new)


def passes(folder: Path, file: str) -> bool:
    """Whether the tests of a file pass as it is there."""
    tests = [f"tests/{name}" for name in TESTS[file].split()]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONPATH", None)  # or a server might import what is not mutated
    try:
        done = subprocess.run(
            [*ALONE, sys.executable, *PYTEST, *tests],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def measure(file: str, most: int, jobs: int) -> dict[str, object]:
    """Count how many mutants of a file its tests see.

    Args:
        file: one that TESTS has.
        most: of a file of workbook/ so many at most are tried, always the same ones.
        jobs: so many at a time.
    """
    folders: Queue[Path] = Queue()
    with TemporaryDirectory() as temporary, ThreadPoolExecutor(jobs) as pool:
        for number in range(jobs):
            left = shutil.ignore_patterns(".*", "mutants", "*.png", "__pycache__")
            copy = shutil.copytree(ROOT, Path(temporary) / str(number), ignore=left)
            folders.put(copy)
        source = (copy / file).read_bytes()
        if not passes(copy, file):
            raise SystemExit(f"The tests of {file} fail as it is.")

        def lives(mutant: Mutant) -> bool:
            folder = folders.get()
            (folder / file).write_bytes(mutant.mutated)
            alive = passes(folder, file)
            (folder / file).write_bytes(source)
            folders.put(folder)
            print(f"{file} {mutant}: {'lives' if alive else 'is seen'}", flush=True)
            return alive

        every = tried = sorted(mutants(source), key=lambda m: (m.start, m.new))
        if file.startswith("workbook/") and len(every) > most:
            tried = random.Random(file).sample(every, most)
        alive = pool.map(lives, tried)
        lived = [str(m) for m, yes in zip(tried, alive, strict=True) if yes]
    counts = {"possible": len(every), "tried": len(tried)}
    return {"file": file, **counts, "killed": len(tried) - len(lived), "lived": lived}


def main() -> int:
    """Try the files wanted, and print how many of their mutants were seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=20, help="of a file of workbook/")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (2)")
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("files", nargs="*", help="those that TESTS names; else all")
    to = parser.parse_args()
    rows = [measure(file, to.most, to.jobs) for file in to.files or TESTS]
    for row in rows:
        print(f"{row['file']}: {row['killed']} of {row['tried']} seen")
    if to.json:
        to.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
