"""A course of one chapter, written for a test."""

from pathlib import Path

from workbook.course import Chapter, Exercise


def write_course(root: Path, checks: str, *names: str) -> list[Exercise]:
    """A chapter in `root` whose exercises have these names and are judged by `checks`.

    Their solutions and the learner's files are empty: a test names the file it means.
    """
    chapter = Chapter(1, "ch01_synthetic", root)
    for folder in (chapter.tests, chapter.folder / "exercises"):
        folder.mkdir(parents=True)
    (chapter.tests / "test_exercises.py").write_text(checks, encoding="utf-8")
    for name in names:
        solution = root / "solutions" / chapter.name / f"{name}.py"
        solution.parent.mkdir(parents=True, exist_ok=True)
        solution.touch()
        (chapter.folder / "exercises" / f"{name}.py").touch()
    return list(chapter.exercises)


SHOUT = """
def test_it_shouts(ex1_shout):
    for name in ("ana", "bo"):
        with ex1_shout.connect(name) as client:
            for text in ("hello", "goodbye"):
                client.send(text)
                client.expect(text.upper())


def test_it_shouts_again(ex1_shout):
    with ex1_shout.connect("ana") as ana:
        ana.send("hello")
        ana.expect("HELLO")


def test_it_doubles(ex2_double):
    ex2_double.expect_call("double", 2, returns=4)
"""
"""The checks of two exercises: ex1_shout, an app, and ex2_double, a function."""
