"""Every notebook equals its source, runs, and tells nothing of the machine."""

import base64
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from workbook import book
from workbook.course import ROOT, Chapter, chapters

Notebook = Any

CHAPTERS = [chapter for chapter in chapters() if chapter.notebook_source.exists()]
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.name)

RUN = 100.0  # seconds a whole notebook may take, however busy the machine; nine do
SIZE = 1_000_000  # bytes
PROOF = re.compile(r"\bassert |\.expect|\bcheck\(")


def cells(notebook: Notebook, kind: str) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def outputs(notebook: Notebook) -> list[Any]:
    return [out for cell in cells(notebook, "code") for out in cell.outputs]


def shown(notebook: Notebook, form: str) -> list[str]:
    """The contents of this form in all outputs."""
    return [out.data[form] for out in outputs(notebook) if form in out.get("data", {})]


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def way_out(chapter: Chapter) -> str:
    """What to do when the notebook in the folder is not the one that was built."""
    name = chapter.notebook.relative_to(chapter.root).as_posix()
    return (
        f"Have you saved {name} after running it? git checkout {name} brings it back. "
        f"Has its source changed? python -m workbook.book {chapter.name} rebuilds it."
    )


def test_every_notebook_has_a_source_and_every_source_a_notebook() -> None:
    built = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    sources = {path.stem for path in (ROOT / "notebooks" / "sources").glob("*.py")}

    assert built == sources == {chapter.name for chapter in CHAPTERS}
    assert "ch01_echo" in built


@every_chapter
def test_a_notebook_equals_its_source_cell_by_cell(chapter: Chapter) -> None:
    source, built = book.read_source(chapter), book.read(chapter)

    def facts(notebook: Notebook) -> list[tuple[str, str, list[str], str]]:
        return [(c.cell_type, c.source, tags(c), c.id) for c in notebook.cells]

    assert facts(built) == facts(source), way_out(chapter)
    assert built.metadata == source.metadata, way_out(chapter)


@every_chapter
def test_it_runs_on_a_fresh_kernel(chapter: Chapter) -> None:
    start = time.monotonic()

    notebook = book.execute(book.read_source(chapter), chapter.notebook.parent)

    assert time.monotonic() - start < RUN
    assert book.faults(notebook) == []


@every_chapter
def test_the_set_up_cell_also_works_in_the_root_folder(chapter: Chapter) -> None:
    set_up = book.read_source(chapter).cells[1]

    run = subprocess.run(
        [sys.executable, "-c", set_up.source],
        cwd=ROOT,
        timeout=60,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr


@every_chapter
def test_the_committed_outputs_are_of_one_run_and_without_faults(
    chapter: Chapter,
) -> None:
    notebook = book.read(chapter)

    nbformat.validate(notebook)
    code = cells(notebook, "code")
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1)), way_out(chapter)
    assert book.faults(notebook) == [], way_out(chapter)
    assert chapter.notebook.stat().st_size < SIZE


@every_chapter
def test_its_pictures_stand_by_themselves(chapter: Chapter) -> None:
    notebook = book.read(chapter)
    svgs, pngs = shown(notebook, "image/svg+xml"), shown(notebook, "image/png")

    assert svgs
    for svg in svgs:
        title = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert title.text
    for png in pngs:
        assert base64.b64decode(png).startswith(b"\x89PNG")
    alts = [
        out.metadata["image/png"]["alt"]
        for out in outputs(notebook)
        if "image/png" in out.get("data", {})
    ]
    assert all(alts)


@every_chapter
def test_it_begins_with_what_it_is_for_and_ends_with_the_exercises(
    chapter: Chapter,
) -> None:
    notebook = book.read_source(chapter)
    first, set_up, *_, exercises, last = notebook.cells

    assert first.source.startswith(f"# Chapter {chapter.number}: {chapter.title}\n")
    assert re.search(r"\b\d+ minutes", first.source)
    assert "You will be able to" in first.source
    assert "from workbook.lesson import" in set_up.source
    assert "Exercises" in exercises.source
    assert [ex.id for ex in chapter.exercises] == re.findall(
        rf"^\| ({chapter.number}\.\d+) \|", exercises.source, re.MULTILINE
    )
    assert last.source == f'check("{chapter.number}.1")'


@every_chapter
def test_what_is_predicted_is_run_and_proven(chapter: Chapter) -> None:
    notebook = book.read_source(chapter)
    rounds = re.split(
        r"\*\*Predict:\*\*",
        "\n".join(
            cell.source if cell.cell_type == "code" else f"«{cell.source}»"
            for cell in notebook.cells
        ),
    )[1:]

    assert len(rounds) >= 5
    for round_ in rounds:
        question, _, run = round_.partition("»")
        code = run.partition("«")[0]
        assert "?" in question
        assert PROOF.search(code), f"nothing is proven after: {question.strip()}"


@every_chapter
def test_it_shows_the_chapter_and_never_retypes_it(chapter: Chapter) -> None:
    notebook = book.read_source(chapter)
    code = "\n".join(cell.source for cell in cells(notebook, "code"))

    assert f"from chapters.{chapter.name}.app import" in code
    assert re.search(r"^show\(\w+\)$", code, re.MULTILINE)
    for cell in cells(notebook, "code"):
        if "(websocket" in cell.source and "def " in cell.source:
            assert "experiment" in tags(cell), f"an app of its own: {cell.source}"


@every_chapter
def test_its_cells_are_few_and_short(chapter: Chapter) -> None:
    notebook = book.read_source(chapter)

    assert 15 <= len(notebook.cells) <= 30
    for cell in cells(notebook, "code"):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 12, cell.source


@every_chapter
def test_the_committed_check_is_that_of_the_file_as_shipped(chapter: Chapter) -> None:
    last = book.read(chapter).cells[-1]

    assert "not yet" in last.outputs[0].text, way_out(chapter)


def text_of(said: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": said}


def shows(form: str, content: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {form: content}, "metadata": {}}


ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "", "traceback": []}
TRACEBACK = "Traceback (most recent call last):\nKeyError: 'text'"


def notebook_with(output: dict[str, Any], *tags: str) -> Notebook:
    cell = {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": ""}
    facts = {**cell, "execution_count": 1, "outputs": [output]}
    return nbformat.from_dict({"cells": [facts], "metadata": {}})


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (ERROR, "ended in an error: KeyError"),
        ({**text_of("oh"), "name": "stderr"}, "wrote to standard error"),
        (text_of(TRACEBACK), "shows a traceback and is not tagged `experiment`"),
        (text_of("http://127.0.0.1:54321/"), "shows a port: 127.0.0.1:54321"),
        (text_of("on port 54321"), "shows a port: port 54321"),
        (text_of("/home/ana/workbook"), "shows a path: /home/a"),
        (text_of(r"C:\Users\ana"), "shows a path: C:\\"),
        (text_of("at 0x7f3a5c0d"), "shows an address in memory: at 0x7f3a5c0d"),
        (text_of("on wonderland"), "shows a host: wonderland"),
        (
            shows("text/html", "<p>"),
            "shows text/html, which not every reader of notebooks shows",
        ),
        (
            shows("image/svg+xml", "<svg onload='x'/>"),
            "holds a picture with a script or a link",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_is_found(
    output: dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "wonderland")

    assert book.faults(notebook_with(output)) == [f"cell 1 {fault}"]


def test_an_experiment_may_show_a_traceback() -> None:
    assert book.faults(notebook_with(text_of(TRACEBACK), "experiment")) == []


def test_what_is_the_same_everywhere_is_no_fault() -> None:
    fine = '127.0.0.1:PORT - "WebSocket /ws" 403, chapters/ch01_echo/app.py, 12:30:01'

    assert book.faults(notebook_with(text_of(fine))) == []


@pytest.fixture
def make_chapter(tmp_path: Path) -> Callable[[str], Chapter]:
    """Makes a chapter with a notebook of one code cell."""

    def make(code: str) -> Chapter:
        chapter = Chapter(7, "ch07_try", tmp_path)
        chapter.notebook_source.parent.mkdir(parents=True)
        source = f"# %% [markdown]\n# Try\n\n# %%\n{code}\n"
        chapter.notebook_source.write_text(source, encoding="utf-8")
        return chapter

    return make


def test_a_build_writes_what_the_source_says_and_the_run_gave(
    make_chapter: Callable[[str], Chapter],
) -> None:
    chapter = make_chapter("print(6 * 7)")

    assert book.build(chapter) == []

    built = book.read(chapter)
    assert [cell.source for cell in built.cells] == ["Try", "print(6 * 7)"]
    assert built.cells[1].outputs[0].text == "42\n"
    assert built.cells[1].metadata == {}
    assert built.metadata == book.METADATA


def test_a_notebook_with_faults_is_not_written(
    make_chapter: Callable[[str], Chapter],
) -> None:
    chapter = make_chapter("print('127.0.0.1:54321')")

    assert book.build(chapter) == ["cell 2 shows a port: 127.0.0.1:54321"]

    assert not chapter.notebook.exists()
