"""A course of two chapters and three exercises, small enough to write down here."""

from pathlib import Path

from workbook.course import Exercise, exercises

SHIPPED = '"""Return the double."""\n\n\ndef double(n: int) -> int:\n    return n\n'
SOLVED = SHIPPED.replace("return n\n", "return 2 * n  # twice\n")
RIGHT = SHIPPED.replace("return n\n", "return n + n\n")
HALF_RIGHT = SHIPPED.replace("return n\n", "return 2\n")

CHECKS = """

def test_it_doubles_one_in_{name}({name}: Answer) -> None:
    {name}.expect_call("double", 1, returns=2, hint="Once more.")


def test_it_doubles_two_in_{name}({name}: Answer) -> None:
    {name}.expect_call("double", 2, returns=4)
"""

HINTS = """\
Look at `return`.
It is one long line of text, longer than what fits into eighty columns of a terminal.

---

Two things:

- the first
- the second

---

```python
return ...
```
"""

EXERCISES = {"ch01_one": ("ex1_double", "ex2_twice"), "ch02_two": ("ex1_again",)}


def make_course(root: Path) -> tuple[Exercise, ...]:
    """Write the course below `root`, as shipped; its exercises 1.1, 1.2 and 2.1."""
    for chapter, names in EXERCISES.items():
        tests = root / "tests" / chapter
        for name in names:
            write(root / "chapters" / chapter / "exercises" / f"{name}.py", SHIPPED)
            write(root / "solutions" / chapter / f"{name}.py", SOLVED)
            write(tests / "shipped" / f"{name}.py", SHIPPED)
            write(tests / "hints" / f"{name}.md", HINTS)
        checks = "".join(CHECKS.format(name=name) for name in names)
        answer = "from workbook.answer import Answer\n"
        write(tests / "test_exercises.py", answer + checks)
    return exercises(root)


def write(path: Path, text: str) -> None:
    """Write a file, and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def save(path: Path, text: str) -> None:
    """Write a file as most editors do: a new one takes the old one's place."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
