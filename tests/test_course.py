"""Chapters and exercises, found in the folders."""

from pathlib import Path

import pytest

from workbook import course
from workbook.course import NotFound, find_chapter, find_exercise


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two chapters with exercises, and what is none beside them."""
    for name in ("ch01_echo", "ch02_long_word"):
        (tmp_path / "chapters" / name / "exercises").mkdir(parents=True)
        (tmp_path / "solutions" / name).mkdir(parents=True)
    for path in (
        "chapters/notes",
        "chapters/chapter3",
        "solutions/ch01_echo/ex2_sum.py",
        "solutions/ch01_echo/ex1_shout.py",
        "solutions/ch01_echo/ex10_last.py",
        "solutions/ch01_echo/example.py",
        "solutions/ch02_long_word/ex1_shout.py",
        "solutions/ch02_long_word/ex2_own.py",
        "chapters/ch01_echo/exercises/ex1_shout_copy.py",
        "chapters/ch01_echo/exercises/ex9_mine.py",
    ):
        (tmp_path / path).touch()
    return tmp_path


def test_chapters_and_exercises_come_in_the_order_of_their_numbers(root: Path) -> None:
    assert [c.name for c in course.chapters(root)] == ["ch01_echo", "ch02_long_word"]
    assert [ex.id for ex in course.exercises(root)] == [
        "1.1",
        "1.2",
        "1.10",
        "2.1",
        "2.2",
    ]


def test_a_chapter_knows_its_parts(root: Path) -> None:
    chapter = course.chapters(root)[1]

    assert (chapter.number, chapter.title) == (2, "long word")
    assert chapter.app == root / "chapters/ch02_long_word/app.py"
    assert chapter.notebook == root / "notebooks/ch02_long_word.ipynb"
    assert chapter.tests == root / "tests/ch02_long_word"


def test_an_exercise_knows_its_parts(root: Path) -> None:
    exercise = course.exercises(root)[1]
    tests = root / "tests/ch01_echo"
    for name in ("wrong", "right"):
        (tests / name / "ex2_sum").mkdir(parents=True)
        for answer in ("b.py", "a.py", "notes.md"):
            (tests / name / "ex2_sum" / answer).touch()

    assert (exercise.id, exercise.title) == ("1.2", "sum")
    assert exercise.path == root / "chapters/ch01_echo/exercises/ex2_sum.py"
    assert exercise.solution == root / "solutions/ch01_echo/ex2_sum.py"
    assert exercise.shipped == tests / "shipped/ex2_sum.py"
    assert exercise.hints == tests / "hints/ex2_sum.md"
    assert [path.name for path in exercise.wrong] == ["a.py", "b.py"]
    assert [path.name for path in exercise.right] == ["a.py", "b.py"]


@pytest.mark.parametrize(
    "text", ["1", "01", "ch01", "ch01_echo", "echo", " ECHO ", "chapters/ch01_echo/"]
)
def test_a_chapter_is_found_by_any_of_its_names(root: Path, text: str) -> None:
    assert find_chapter(text, root).number == 1


@pytest.mark.parametrize("text", ["3", "0", "", "ch1", "notes", "1.1", "../ch01_ech"])
def test_what_is_no_chapter_gets_a_sentence_with_those_there_are(
    root: Path, text: str
) -> None:
    with pytest.raises(NotFound) as no:
        find_chapter(text, root)

    assert str(no.value) == (
        f"There is no chapter {text!r}. There are: 1 (echo), 2 (long word)."
    )


@pytest.mark.parametrize(
    "text",
    [
        "1.2",
        "ex2_sum",
        "ex2_sum.py",
        "chapters/ch01_echo/exercises/ex2_sum.py",
        r"chapters\ch01_echo\exercises\ex2_sum.py",
    ],
)
def test_an_exercise_is_found_by_any_of_its_names(root: Path, text: str) -> None:
    assert find_exercise(text, root).id == "1.2"


def test_what_is_no_exercise_gets_a_sentence_with_those_there_are(root: Path) -> None:
    with pytest.raises(NotFound, match=r"no exercise '1\.3'.*1\.1 \(shout\), 1\.2"):
        find_exercise("1.3", root)
    with pytest.raises(NotFound, match=r"no exercise 'ex3'.*1\.1.*2\.2 \(own\)"):
        find_exercise("ex3", root)
    with pytest.raises(NotFound, match=r"no chapter '7'"):
        find_exercise("7.1", root)
    with pytest.raises(NotFound, match=r"are: 2\.1 \(shout\), 2\.2 \(own\)\."):
        find_exercise("2.9", root)


def test_a_name_that_two_chapters_use_is_asked_back(root: Path) -> None:
    with pytest.raises(NotFound, match=r"several exercises: 1\.1, 2\.1\."):
        find_exercise("ex1_shout", root)


@pytest.mark.parametrize("slash", ["/", "\\"])
def test_the_path_of_one_of_two_with_the_same_name_is_enough(
    root: Path, slash: str
) -> None:
    path = "chapters/ch02_long_word/exercises/ex1_shout.py".replace("/", slash)

    assert find_exercise(path, root).id == "2.1"


def test_find_takes_a_chapter_or_an_exercise(root: Path) -> None:
    assert course.find("2", root) == course.chapters(root)[1]
    assert course.find("2.2", root) == course.exercises(root)[4]
    with pytest.raises(NotFound, match="no exercise"):
        course.find("1.9", root)
    with pytest.raises(NotFound, match="no chapter"):
        course.find("nothing", root)


@pytest.mark.parametrize("text", ["ex7", "mine/ex7", r"mine\ex7", "mine/seven.py"])
def test_what_looks_like_an_exercise_is_missed_as_one(root: Path, text: str) -> None:
    with pytest.raises(NotFound, match="no exercise"):
        course.find(text, root)


@pytest.mark.parametrize("text", ["v1.0/nothing", r"v1.0\nothing"])
def test_what_looks_like_none_is_missed_as_a_chapter(root: Path, text: str) -> None:
    with pytest.raises(NotFound, match="no chapter"):
        course.find(text, root)
