"""Builds the notebooks from their sources: `python -m workbook.book ch01_echo`.

Without a name it builds all. A source is a Python file whose cells begin with
`# %%` (jupytext's py:percent); a notebook holds the same cells and their outputs,
from one run on a fresh kernel. What differs between machines is left out, or is a
fault, and a notebook with faults is not written.
"""

import hashlib
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import jupytext  # pyright: ignore[reportMissingTypeStubs]
import nbformat
from nbclient import NotebookClient

from workbook.course import Chapter, NotFound, chapters, find_chapter
from workbook.progress import PLACE

PATIENCE = 60
"""Seconds that one cell may take. Generous: none takes more than five."""

FORMS = {"text/plain", "text/markdown", "image/png", "image/svg+xml"}
"""What an output may be: all that is shown without a script or the network."""

OTHER_MACHINE = {
    "a port": r"(?:127\.0\.0\.1|localhost|\[::1\]):\d+|\bport \d{4,5}\b",
    "a path": r"(?<![\w.])/(?:home|root|tmp|usr|var|opt|work|mnt|private|Users)/\w"
    r"|\b[A-Z]:\\|site-packages|ipykernel_\d+",
    "an address in memory": r"\bat 0x[0-9a-f]{6,}",
}
"""What no output may hold, for it is another one on the next machine."""

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}

Notebook = Any  # nbformat's NotebookNode, which has no types
Cell = Any


def read_source(chapter: Chapter) -> Notebook:
    """The notebook of a chapter as its source has it, without outputs."""
    source = chapter.notebook_source.read_text(encoding="utf-8")
    notebook: Notebook = cast(Any, jupytext).reads(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)  # pyright: ignore
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}
        # Of its text, not at random: a rebuild changes the cells that changed.
        cell.id = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
    return notebook


def read(chapter: Chapter) -> Notebook:
    """The notebook of a chapter as it is committed."""
    return cast(Any, nbformat).read(chapter.notebook, as_version=4)


def execute(notebook: Notebook, folder: Path) -> Notebook:
    """Run every cell in order on a fresh kernel; the notebook gets its outputs.

    Args:
        notebook: is changed, and returned.
        folder: where the kernel works.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
        nbclient.exceptions.CellTimeoutError: a cell took longer than `PATIENCE`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        client = NotebookClient(
            notebook,
            timeout=PATIENCE,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=["--log-level=ERROR"],
        )
        # A build is not the learner: their progress stays as it is.
        env = {**os.environ, PLACE: str(Path(scratch, "progress.json"))}
        env["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel
        cast(Any, client).execute(env=env)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def build(chapter: Chapter) -> list[str]:
    """Build one chapter's notebook. It is written only when it has no faults.

    Returns:
        Its faults, as sentences.
    """
    notebook = execute(read_source(chapter), chapter.notebook.parent)
    notebook.metadata = nbformat.from_dict(METADATA)  # pyright: ignore
    found = faults(notebook)
    if not found:
        text: str = cast(Any, nbformat).writes(notebook)
        chapter.notebook.write_text(text + "\n", encoding="utf-8", newline="\n")
    return found


def faults(notebook: Notebook) -> list[str]:
    """What must not be in a notebook's outputs, one sentence for each."""
    found: list[str] = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            found += [f"cell {number} {what}" for what in _faults_of(cell, output)]
    return found


def _faults_of(cell: Cell, output: Mapping[str, Any]) -> Iterator[str]:
    if output["output_type"] == "error":
        yield f"ended in an error: {output['ename']}"
    if output.get("name") == "stderr":
        yield "wrote to standard error"
    forms: Mapping[str, Any] = output.get("data", {"text/plain": output.get("text")})
    for form, content in forms.items():
        if form not in FORMS:
            yield f"shows {form}, which not every reader of notebooks shows"
        elif form != "image/png":
            yield from _faults_in(form, str(content), cell.metadata.get("tags", []))


def _faults_in(form: str, text: str, tags: list[str]) -> Iterator[str]:
    if "Traceback (most recent" in text and "experiment" not in tags:
        yield "shows a traceback and is not tagged `experiment`"
    if form == "image/svg+xml" and re.search(r"<script|\bon\w+=|href=", text):
        yield "holds a picture with a script or a link"
    for what, pattern in {**OTHER_MACHINE, "a host": _host()}.items():
        if match := re.search(pattern, text):
            yield f"shows {what}: {match[0]}"


def _host() -> str:
    """A pattern for this machine's name, where it is no everyday word."""
    name = socket.gethostname()
    if name.partition(".")[0] in ("", "localhost", "server", "client", "python"):
        return r"(?!)"  # matches nothing
    return rf"\b{re.escape(name)}\b"


def main(names: list[str]) -> int:
    """Build the chapters of these names, or all that have a source."""
    try:
        wanted = [find_chapter(name) for name in names] or chapters()
    except NotFound as error:
        sys.exit(str(error))
    bad = 0
    for chapter in wanted:
        if not names and not chapter.notebook_source.exists():
            continue
        found = build(chapter)
        bad += bool(found)
        print(f"{chapter.name}: {'built' if not found else 'not written'}")
        print("".join(f"  {fault}\n" for fault in found), end="")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
