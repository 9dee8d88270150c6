"""What must be true of the workbook as a whole, whatever chapters it has."""

import ast
import re
import shlex
import sys
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from workbook import course
from workbook.arguments import parse

ROOT = course.ROOT
CHAPTERS = course.chapters()
PROSE = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(chapter.card for chapter in CHAPTERS),
]


def files(folder: str, *, below: str = "**/*.py") -> list[Path]:
    """The Python files of a folder; there are always some."""
    found = sorted((ROOT / folder).glob(below))
    assert found, f"no files in {folder}"
    return found


def imports(path: Path) -> set[str]:
    """The dotted names of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return found


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_chapter_is_whole(chapter: course.Chapter) -> None:
    parts = [chapter.app, chapter.page, chapter.card, chapter.notebook]
    parts += [chapter.notebook_source, chapter.tests / "test_app.py"]
    for exercise in chapter.exercises:
        parts += [exercise.path, exercise.solution, exercise.shipped, exercise.hints]

    missing = [ids(path) for path in parts if not path.exists()]

    assert missing == []
    assert len(chapter.exercises) >= 3


def test_chapters_are_numbered_from_one_without_a_gap() -> None:
    assert [c.number for c in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))


@pytest.mark.parametrize("path", [*files("chapters"), *files("solutions")], ids=ids)
def test_what_a_learner_reads_imports_nothing_of_ours(path: Path) -> None:
    ours = {"workbook", "tests", "learn", "benchmarks", "notebooks", "solutions"}
    others = {chapter.name for chapter in CHAPTERS}

    names = {part for name in imports(path) for part in name.split(".")}

    assert names & (ours | others) == set()


def test_the_arrows_of_the_engine_run_one_way() -> None:
    graph: dict[str, set[str]] = {}
    for path in files("workbook", below="*.py"):
        names = {name.split(".")[1] for name in imports(path) if "workbook." in name}
        graph[path.stem] = {n for n in names if (ROOT / f"workbook/{n}.py").exists()}

    order = list(TopologicalSorter(graph).static_order())  # raises CycleError

    assert order.index("wire") < order.index("client") < order.index("server")
    assert order.index("server") < order.index("checks") < order.index("watch")


@pytest.mark.parametrize("path", files("workbook", below="*.py"), ids=ids)
def test_the_engine_imports_no_chapter_and_not_the_command(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}

    assert roots & {"learn", "chapters", "solutions", "tests", "notebooks"} == set()


@pytest.mark.parametrize("path", files("chapters"), ids=ids)
def test_no_file_of_a_chapter_is_named_like_a_library(path: Path) -> None:
    taken = {*packages_distributions(), *sys.stdlib_module_names}

    assert path.stem not in taken


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_an_app_and_its_card_fit_on_a_screen(chapter: course.Chapter) -> None:
    assert len(chapter.card.read_text("utf-8").splitlines()) <= 40
    assert len(chapter.app.read_text("utf-8").splitlines()) <= 100


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_page_names_no_address(chapter: course.Chapter) -> None:
    page = chapter.page.read_text("utf-8")

    assert re.findall(r"(?:https?|wss?)://[\w.]+|(?:src|href)=\"//", page) == []
    assert re.findall(r"localhost|127\.0\.0\.1", page) == []
    unsafe = r"\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write"
    assert re.findall(unsafe, page) == []


def test_the_room_moves_from_chapter_to_chapter_unchanged() -> None:
    rooms = files("chapters", below="*/room.py")

    assert len(rooms) >= 2
    assert len({path.read_bytes() for path in rooms}) == 1


@pytest.mark.parametrize("path", PROSE, ids=ids)
def test_prose_quotes_code_as_it_stands(path: Path) -> None:
    fences = re.findall(
        r"^```python(.*)\n([\s\S]*?)^```", path.read_text("utf-8"), re.M
    )

    for source, quoted in fences:
        assert source.strip(), f"say which file this is from: ```python FILE\n{quoted}"
        assert quoted in (ROOT / source.strip()).read_text("utf-8")


@pytest.mark.parametrize("path", PROSE, ids=ids)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text("utf-8"))

    broken = [link for link in links if not (path.parent / link).exists()]

    assert broken == []


@pytest.mark.parametrize("path", PROSE, ids=ids)
def test_the_commands_in_prose_are_real(path: Path) -> None:
    commands = re.findall(
        r"(?:python3|py) learn\.py([^\n`#|]*)", path.read_text("utf-8")
    )

    for command in commands:
        parse(shlex.split(command))  # raises SystemExit where it does not know it


def test_requirements_are_pinned_and_name_no_address() -> None:
    wanted = (ROOT / "requirements.in").read_text("utf-8")
    pinned = (ROOT / "requirements.txt").read_text("utf-8")
    names = re.findall(r"^([a-z0-9-]+)", wanted, re.M)
    pins = re.findall(r"^([a-z0-9-]+)==", pinned, re.M)

    assert {"fastapi", "uvicorn", "redis", "jupyter", "pytest", "httpx"} <= set(names)
    assert set(names) <= set(pins)
    assert "uv pip compile" in pinned.splitlines()[1]
    assert "://" not in wanted + pinned
