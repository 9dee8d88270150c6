"""`python -m benchmarks.tables`: puts the figures of results/*.json into README.md.

Each table stands between two markers and is never typed. `--check` only says whether
the README is up to date.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import plan, report
from benchmarks.report import Table
from benchmarks.suite import BENCHES

README = Path(__file__).with_name("README.md")

MARKED = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def tables(name: str) -> list[Table]:
    """The tables of one benchmark, of what was recorded; none without that."""
    data = report.read(name)
    return [] if data is None else BENCHES[name].tables(data)


def all_tables() -> Iterator[Table]:
    for name in BENCHES:
        yield from tables(name)
    yield from plan.tables()


def block(name: str) -> str:
    """What stands between the markers of one name."""
    if name == "plan":
        return "\n\n".join(table.markdown() for table in plan.tables()) + "\n"
    data = report.read(name)
    if data is None:
        return f"Not recorded yet: `python3 learn.py bench {name} --record`.\n"
    bench = BENCHES[name]
    said = [report.dated(data)]
    said += [table.markdown() for table in bench.tables(data)]
    goals = [
        f"- {'kept' if ok else 'missed'}: {text}" for text, ok in bench.goals(data)
    ]
    said += ["\n".join(goals)] if goals else []
    if (report.RESULTS / f"{name}.png").exists():
        said.append(f"![The same, drawn](results/{name}.png)")
    return "\n\n".join(said) + "\n"


def filled(text: str) -> str:
    """A README with its tables as they should be."""
    return MARKED.sub(lambda found: found[1] + block(found[2]) + found[3], text)


def prose(text: str) -> str:
    """A README without its tables."""
    return MARKED.sub("", text)


def main(argv: list[str]) -> int:
    text = README.read_text("utf-8")
    if argv == ["--check"]:
        return 0 if filled(text) == text else 1
    README.write_text(filled(text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
