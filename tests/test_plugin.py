"""The pytest plugin, in a course of its own: who is graded, and what is shown."""

from pathlib import Path

import pytest

from tests.synthetic import write_course
from workbook.course import Exercise

pytest_plugins = ["pytester"]

CHECKS = """
def test_it_doubles(ex1_double):
    ex1_double.expect_call("double", 2, returns=4, hint="Twice as much.")


def test_it_doubles_nothing(ex1_double):
    ex1_double.expect_call("double", 0, returns=0)


def test_something_else():
    pass
"""

RIGHT = "def double(number):\n    return number * 2\n"
WRONG = "def double(number):\n    return number\n"
LEAVES = "import subprocess\nsubprocess.Popen(['sleep', '1000'])\n"


@pytest.fixture
def exercise(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """One exercise whose solution is right and whose learner's file is wrong."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take their time
    (exercise,) = write_course(pytester.path, CHECKS, "ex1_double")
    exercise.solution.write_text(RIGHT)
    exercise.path.write_text(WRONG)
    return exercise


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    plugins = ["-p", "workbook.plugin", "-p", "no:cacheprovider"]
    return pytester.runpytest_inprocess(*plugins, *options)


@pytest.mark.usefixtures("exercise")
def test_without_an_option_the_solution_is_judged(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-v")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*test_something_else PASSED*",
            "*test_it_doubles?solution ex1_double? PASSED*",
        ]
    )


@pytest.mark.usefixtures("exercise")
def test_mine_grades_the_learners_file_in_our_words_alone(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, "--mine", "--no-header")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "  called    double(2)",
            "  got       2",
            "  expected  4",
            "  hint      Twice as much.",
        ]
    )
    shown = result.stdout.str()
    for ours in ("Traceback", "answer.py", "plugin.py", "raise ", "expect_call"):
        assert ours not in shown


def test_mine_is_green_when_it_is_right(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    exercise.path.write_text(RIGHT)

    run(pytester, "--mine").assert_outcomes(passed=2)


def test_a_file_that_is_missing_is_told(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    exercise.path.unlink()

    result = run(pytester, "--mine")

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["  got       no such file or directory"])


def test_what_a_right_answer_leaves_running_is_an_error(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    exercise.path.write_text(LEAVES + RIGHT)

    result = run(pytester, "--mine")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["  got       the end of it, and what it had started still ran: sleep 1000"]
    )


def test_a_wrong_answer_is_told_once_and_not_again_at_its_end(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    exercise.path.write_text(LEAVES + WRONG)

    run(pytester, "--mine").assert_outcomes(passed=1, failed=1)


def test_a_check_that_breaks_shows_where(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    path = exercise.chapter.tests / "test_exercises.py"
    path.write_text("def test_it(ex1_double):\n    nobody()\n")

    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NameError: name 'nobody' is not defined"])


def test_an_exercise_is_that_of_the_chapter_whose_tests_ask(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    elsewhere = exercise.chapter.tests.parent / "test_elsewhere.py"
    elsewhere.write_text("def test_it(ex1_double):\n    pass\n")

    result = run(pytester, str(elsewhere))

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'ex1_double' not found"])


def test_tests_of_one_file_share_one_process(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    log = exercise.path.with_name("log")
    source = f"with open({str(log)!r}, 'a') as file:\n    file.write('imported\\n')\n"
    exercise.solution.write_text(source + RIGHT)

    run(pytester).assert_outcomes(passed=3)

    assert log.read_text() == "imported\n"


def test_the_file_of_a_learner_is_only_read(
    pytester: pytest.Pytester, exercise: Exercise
) -> None:
    before = exercise.path.stat().st_mtime_ns
    files = sorted(Path(exercise.path.parent).iterdir())

    run(pytester, "--mine")

    assert exercise.path.stat().st_mtime_ns == before
    assert sorted(Path(exercise.path.parent).iterdir()) == files
