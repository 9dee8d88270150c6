"""Chapters and exercises, as the folders have them. Nothing is listed twice."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class NotFound(LookupError):
    """No such chapter or exercise. The text is one sentence for the learner."""


@dataclass(frozen=True)
class Chapter:
    """One numbered chapter: `chapters/ch01_echo`."""

    number: int
    name: str  # "ch01_echo"
    root: Path = ROOT

    @property
    def title(self) -> str:
        """The chapter's word: "echo"."""
        return self.name.partition("_")[2].replace("_", " ")

    @property
    def folder(self) -> Path:
        return self.root / "chapters" / self.name

    @property
    def app(self) -> Path:
        return self.folder / "app.py"

    @property
    def page(self) -> Path:
        return self.folder / "page.html"

    @property
    def card(self) -> Path:
        return self.folder / "README.md"

    @property
    def tests(self) -> Path:
        return self.root / "tests" / self.name

    @property
    def notebook(self) -> Path:
        return self.root / "notebooks" / f"{self.name}.ipynb"

    @property
    def notebook_source(self) -> Path:
        return self.root / "notebooks" / "sources" / f"{self.name}.py"

    @cached_property
    def exercises(self) -> tuple["Exercise", ...]:
        found: list[Exercise] = []
        # The solutions name the exercises: a learner's folder may hold anything.
        for path in (self.root / "solutions" / self.name).glob("ex*.py"):
            if match := re.fullmatch(r"ex(\d+)_\w+", path.stem):
                found.append(Exercise(int(match[1]), path.stem, self))
        return tuple(sorted(found, key=lambda exercise: exercise.number))


@dataclass(frozen=True)
class Exercise:
    """One exercise: `chapters/ch01_echo/exercises/ex2_sum.py`, known as 1.2."""

    number: int
    name: str  # "ex2_sum"
    chapter: Chapter

    @property
    def id(self) -> str:
        """What the learner types: "1.2"."""
        return f"{self.chapter.number}.{self.number}"

    @property
    def title(self) -> str:
        """The exercise's word: "sum"."""
        return self.name.partition("_")[2].replace("_", " ")

    @property
    def path(self) -> Path:
        """The learner's file."""
        return self.chapter.folder / "exercises" / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        root = self.chapter.root
        return root / "solutions" / self.chapter.name / f"{self.name}.py"

    @property
    def shipped(self) -> Path:
        """The file as it was before the learner touched it; `reset` copies it."""
        return self.chapter.tests / "shipped" / f"{self.name}.py"

    @property
    def hints(self) -> Path:
        """Three hints, from a nudge to nearly the answer."""
        return self.chapter.tests / "hints" / f"{self.name}.md"

    @property
    def wrong(self) -> tuple[Path, ...]:
        """Known wrong answers; each says in its first line what it must provoke."""
        return tuple(sorted((self.chapter.tests / "wrong" / self.name).glob("*.py")))

    @property
    def right(self) -> tuple[Path, ...]:
        """Other right answers than the solution."""
        return tuple(sorted((self.chapter.tests / "right" / self.name).glob("*.py")))


def chapters(root: Path = ROOT) -> tuple[Chapter, ...]:
    """Every chapter, by number."""
    found: list[Chapter] = []
    for folder in sorted((root / "chapters").glob("ch*_*")):
        if match := re.fullmatch(r"ch(\d\d)_\w+", folder.name):
            found.append(Chapter(int(match[1]), folder.name, root))
    return tuple(found)


def exercises(root: Path = ROOT) -> tuple[Exercise, ...]:
    """Every exercise of every chapter, in the order a learner meets them."""
    return tuple(ex for chapter in chapters(root) for ex in chapter.exercises)


def find_chapter(text: str, root: Path = ROOT) -> Chapter:
    """The chapter that `text` means: "1", "01", "ch01", "ch01_echo" or "echo".

    Raises:
        NotFound: there is none; the text names those there are.
    """
    wanted = text.strip().rstrip("/").rpartition("/")[2].lower()
    for chapter in chapters(root):
        names = {str(chapter.number), f"{chapter.number:02}", chapter.title}
        if wanted in names | {chapter.name, chapter.name[:4]}:
            return chapter
    known = ", ".join(f"{c.number} ({c.title})" for c in chapters(root))
    raise NotFound(f"There is no chapter {text!r}. There are: {known}.")


def find_exercise(text: str, root: Path = ROOT) -> Exercise:
    """The exercise that `text` means: "1.2", "ex2_sum" or a path that ends so.

    Raises:
        NotFound: there is none; the text names those of that chapter.
    """
    folders, _, name = text.strip().replace("\\", "/").rpartition("/")
    wanted = name.removesuffix(".py")
    everything = exercises(root)
    by_id = [ex for ex in everything if wanted == ex.id]
    if by_id:
        return by_id[0]
    by_name = [ex for ex in everything if wanted == ex.name]
    by_path = [ex for ex in by_name if ex.chapter.name in folders.split("/")]
    by_name = by_path or by_name
    if len(by_name) == 1:
        return by_name[0]
    if by_name:
        several = ", ".join(ex.id for ex in by_name)
        raise NotFound(f"{text!r} is the name of several exercises: {several}.")
    chapter, _, number = wanted.partition(".")
    known = find_chapter(chapter, root).exercises if number else everything
    names = ", ".join(f"{ex.id} ({ex.title})" for ex in known)
    raise NotFound(f"There is no exercise {text!r}. There are: {names}.")


def find(text: str, root: Path = ROOT) -> Chapter | Exercise:
    """The exercise or chapter that `text` means: "1.2", "ex2_sum", a path, "1".

    Raises:
        NotFound: there is neither.
    """
    try:
        return find_exercise(text, root)
    except NotFound as no_exercise:
        try:
            return find_chapter(text, root)
        except NotFound:
            name = text.strip().replace("\\", "/").rpartition("/")[2]
            if "." in name or name.startswith("ex"):
                raise no_exercise from None
            raise
