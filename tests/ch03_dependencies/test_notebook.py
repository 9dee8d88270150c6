"""What the notebook of chapter 3 must not give away."""

from workbook import course

CHAPTER = course.find_chapter("dependencies")


def test_the_notebook_shows_a_canary_and_nowhere_the_secret() -> None:
    notebook = CHAPTER.notebook.read_text("utf-8")

    assert "?token=canary-" in notebook
    assert "SECRET_API_TOKEN" not in notebook
