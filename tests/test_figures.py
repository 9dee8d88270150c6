"""The README's figures are those of a run, and say it when something went wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import figures
from tests.mutants import TESTS, mutants
from workbook.course import ROOT


def test_the_readme_has_the_table_of_what_was_recorded() -> None:
    text = figures.README.read_text("utf-8")

    assert figures.TABLE.search(text)
    assert figures.filled(text, figures.read()) == text, (
        "It is written by: python -m tests.figures --record"
    )


def test_what_was_recorded_says_when_and_where() -> None:
    for part in figures.read().values():
        assert part["machine"]["cores"]
        assert "pytest" in part["versions"]
        assert part["taken"] >= "2026"


def test_no_more_was_seen_than_was_tried() -> None:
    recorded = figures.read()

    for row in recorded.get("sample", {}).get("files", []):
        assert row["killed"] + len(row["lived"]) == row["tried"] <= row["possible"]
    for part in ("right", "wrong", "stalls"):
        for row in recorded.get(part, {}).get("chapters", []):
            known = row["right answers"] + row["wrong answers"]
            assert row["runs"] == known * recorded[part]["times"]


def judged(**faults: int) -> dict[str, Any]:
    row = {"chapter": 1, "right answers": 3, "wrong answers": 5, "runs": 80}
    faultless = dict.fromkeys(figures.repeat.FAULTS, 0)
    return {"times": 10, "busy": 5, "chapters": [{**row, **faultless, **faults}] * 2}


def test_a_right_answer_that_was_refused_is_counted() -> None:
    (right, wrong) = figures.of_answers(judged(**{"right ones refused": 1}))

    assert right[1:] == ["10 × 6, 5 of them beside busy cores", "58 of 60"]
    assert wrong[1:] == ["10 × 10, 5 of them beside busy cores", "100 of 100"]


@pytest.mark.parametrize("fault", figures.repeat.FAULTS[1:])
def test_a_wrong_answer_that_was_not_told_so_is_counted(fault: str) -> None:
    (right, wrong) = figures.of_answers(judged(**{fault: 3}))

    assert [right[2], wrong[2]] == ["60 of 60", "94 of 100"]


def test_a_check_that_refuses_a_solution_is_counted() -> None:
    (row,) = figures.of_alone({"checks": 130, "refused": ["a", "b"]})

    assert row[1:] == ["130, each in a process by itself", "128 of 130"]


def test_a_test_that_failed_once_is_a_flake() -> None:
    output = (
        "...F..\n"
        "FAILED tests/test_link.py::test_it_is_cut[a - b] - assert 1 == 2\n"
        "===== 1 failed, 2347 passed, 3 skipped in 154.20s (0:02:34) ====="
    )
    good = {"passed": 2348, "flakes": [], "status": 0, "seconds": 150}

    bad = {**figures.summed_up(output), "status": 1, "seconds": 170}
    (row,) = figures.of_suite({"in a row": [good, good], "busy": bad})

    assert bad["flakes"] == ["tests/test_link.py::test_it_is_cut[a - b]"]
    assert (bad["failed"], bad["passed"], bad["skipped"]) == (1, 2347, 3)
    assert row == [
        "runs of the suite without a flake; 150 s each",
        "2,348 tests, 2 × in a row and once beside busy cores",
        "2 of 3",
    ]


def test_a_run_that_came_to_no_end_is_none_without_a_flake() -> None:
    good = {"passed": 2348, "flakes": [], "status": 0, "seconds": 150}
    bad = {**figures.summed_up(""), "status": -9, "seconds": 1}

    (row,) = figures.of_suite({"in a row": [good, bad], "busy": good})

    assert row[2] == "2 of 3"


def test_a_mutant_that_no_test_reaches_lives() -> None:
    said = (
        "    workbook.wire.x_frame__mutmut_1: killed\n"
        "    workbook.wire.x_frame__mutmut_2: timeout\n"
        "    workbook.wire.xǁWireǁadd__mutmut_1: survived\n"
        "    workbook.course.x_find__mutmut_1: no tests\n"
    )

    modules = figures.by_module(said)
    (row,) = figures.of_mutants({"modules": modules})

    assert modules["wire"] == {"mutants": 3, "killed": 1, "timeout": 1, "survived": 1}
    assert row[1:] == ["mutmut: course, wire", "2 of 4"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is written into the real files, and one part is a made-up one."""
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- begin figures -->\nb\n<!-- end figures -->\nc\n")
    monkeypatch.setattr(figures, "README", readme)
    monkeypatch.setattr(figures, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setitem(figures.PARTS, "right", lambda _: judged())
    return tmp_path


def test_one_part_is_recorded_and_the_others_stay(elsewhere: Path) -> None:
    stalled = {"taken": "2026-01-01", "times": 10, "chapters": judged()["chapters"]}
    figures.FIGURES.write_text(json.dumps({"stalls": stalled}))

    assert figures.main(["right", "--record"]) == 0

    kept = figures.read()
    assert list(kept) == ["right", "stalls"]
    assert kept["stalls"] == stalled
    assert kept["right"]["chapters"] == judged()["chapters"]
    text = figures.README.read_text("utf-8")
    assert text == figures.filled(text, kept)
    assert text.count("| 60 of 60 |") == 2
    assert text.startswith("a\n<!-- begin figures -->\n| what |")
    assert text.endswith("|\n<!-- end figures -->\nc\n")


def test_without_being_told_to_it_records_nothing(elsewhere: Path) -> None:
    before = figures.README.read_text("utf-8")

    assert figures.main(["right"]) == 0

    assert figures.README.read_text("utf-8") == before
    assert not figures.FIGURES.exists()


def test_a_part_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        figures.main(["answer"])

    assert "there is no part answer: right, wrong, stalls," in capsys.readouterr().err


def made(source: str) -> list[str]:
    return [mutant.mutated.decode() for mutant in mutants(source.encode())]


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("a = b == c\n", ["a = (b != c)\n"]),
        ("é = 1 < c\n", ["é = (1 <= c)\n", "é = 2 < c\n"]),
        ("a and b\n", ["(a or b)\n"]),
        ("a += b\n", ["a -= b\n"]),
        ("if a:\n    return\n", ["if (not (a)):\n    return\n", "if a:\n    pass\n"]),
        ("a = not b\n", ["a = (b)\n"]),
        ("await a()\n", ["pass\n"]),
        ("raise a\n", ["pass\n"]),
        ("a = b(c, d=e)\n", ["a = b(c)\n"]),
        ("with suppress(A, B): c\n", ["with suppress((), B): c\n"]),
        ("'a'\nb = 'c' + None\n", ["'a'\nb = ('c' - None)\n"]),
    ],
)
def test_a_mutant_differs_in_one_place(source: str, mutated: list[str]) -> None:
    assert made(source)[: len(mutated)] == mutated


def test_all_that_is_mutated_and_all_tests_of_it_are_there() -> None:
    files = [
        *TESTS,
        *(f"tests/{test}" for tests in TESTS.values() for test in tests.split()),
    ]

    assert [file for file in files if not (ROOT / file).exists()] == []
