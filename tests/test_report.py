"""The report: what is kept of failing runs, and a page that runs and loads nothing."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.small_course import HALF_RIGHT, SHIPPED, SOLVED, make_course
from workbook import arguments, desk, launch, report, runs, terminal
from workbook.checks import Verdict
from workbook.course import Exercise, exercises
from workbook.failure import Failure
from workbook.progress import PLACE, Progress, digest
from workbook.wire import Wire

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVIL = "</pre><script src='http://evil.example/x.js'>alert(1)</script>\x1b\ud800\"&'"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(PLACE, raising=False)
    make_course(tmp_path)
    return tmp_path


@pytest.fixture
def first(root: Path) -> Exercise:
    return exercises(root)[0]


@pytest.fixture
def progress(root: Path) -> Progress:
    return Progress.of(root)


def failing(exercise: Exercise, said: str = "hello") -> Verdict:
    """A verdict with words of the learner's wherever there can be some."""
    wire = Wire()
    event = wire.record("ana", "in", "text", said)
    wire.mark(event, f"expected {said}")
    failure = Failure("ana", said, said, said, trace=[said, said], printed=[said])
    return Verdict(exercise, exercise.path, [], said, failure, wire, 2)


def fail(exercise: Exercise, progress: Progress, text: str, said: str = "hello") -> str:
    """Write an answer and keep that it failed; returns its digest."""
    exercise.path.write_text(text)
    file = digest(exercise.path)
    assert file is not None
    desk.note(failing(exercise, said), file, progress)
    return file


class Page(HTMLParser):
    """The tags of a page, their attributes, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


# The runs that are kept


def test_the_last_failing_runs_are_kept_each_of_another_file(
    first: Exercise, progress: Progress
) -> None:
    files = [fail(first, progress, f"# {n}\n") for n in range(runs.KEPT + 1)]
    again = fail(first, progress, "# 2\n", "goodbye")

    kept = runs.kept(progress, first)

    assert again == files[2]
    assert [run.file for run in kept] == [files[2], files[3], files[1]]
    assert ["ana got", "goodbye"] in kept[0].rows
    assert kept[0].svg.startswith("<svg")
    assert any("goodbye" in line for line in kept[0].wire)


def test_neither_a_pass_nor_the_file_as_shipped_is_kept(
    first: Exercise, progress: Progress
) -> None:
    fail(first, progress, SHIPPED)
    first.path.write_text(SOLVED)
    passed = replace(failing(first), failed=None, failure=None)
    desk.note(passed, digest(first.path), progress)
    desk.note(failing(first), None, progress)

    assert runs.kept(progress, first) == []


def test_a_pass_leaves_the_failing_runs_and_a_reset_forgets_them(
    root: Path, first: Exercise, progress: Progress
) -> None:
    fail(first, progress, HALF_RIGHT)
    first.path.write_text(SOLVED)
    progress.judge(first, digest(first.path), True)
    before = runs.kept(progress, first)

    desk.reset("1.1", root)

    assert len(before) == 1
    assert runs.kept(progress, first) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: "[1]",
        lambda text: "5",
        lambda text: text.replace('"more"', '"less"'),
        lambda text: text.replace('"hello"', "7"),
        lambda text: "[" * 100_000,
    ],
    ids=["half", "a number in it", "a number", "other facts", "other types", "deep"],
)
def test_damaged_runs_are_none_and_the_next_takes_their_place(
    first: Exercise, progress: Progress, damage: Callable[[str], str]
) -> None:
    fail(first, progress, HALF_RIGHT)
    [file] = (first.chapter.root / ".progress.runs").glob("*.json")
    file.write_text(damage(file.read_text()))

    damaged = runs.kept(progress, first)
    fail(first, progress, HALF_RIGHT)

    assert damaged == []
    assert len(runs.kept(progress, first)) == 1


def test_a_long_text_is_cut_before_it_is_kept(
    first: Exercise, progress: Progress
) -> None:
    fail(first, progress, HALF_RIGHT, "long " * 100_000)

    [file] = (first.chapter.root / ".progress.runs").glob("*.json")
    assert file.stat().st_size < 50_000


def test_a_check_keeps_its_run_through_the_command(root: Path, first: Exercise) -> None:
    first.path.write_text(HALF_RIGHT)

    desk.check("1.1", root)

    [run] = runs.kept(Progress.of(root), first)
    assert run.failed == "it doubles two in ex1 double"
    assert ["called", "double(2)"] in run.rows


# The picture of the last one


def test_a_failing_run_is_drawn_into_a_file_that_the_message_names(
    root: Path, first: Exercise, progress: Progress
) -> None:
    verdict = failing(first)
    desk.note(verdict, digest(first.path), progress)
    assert verdict.failure is not None

    told = terminal.plain(verdict.failure, verdict.wire)

    assert "  the run, drawn: .progress.runs/1.1.svg\n" in f"{told}\n"
    picture = (root / ".progress.runs" / "1.1.svg").read_text("utf-8")
    assert picture.startswith("<svg")
    assert ">1.1 double: hello</text>" in picture
    assert ">ana expected  hello</text>" in picture
    assert "expected hello" in picture


def test_the_last_run_takes_the_place_of_the_picture_before(
    root: Path, first: Exercise, progress: Progress
) -> None:
    fail(first, progress, "# 1\n", "one")
    fail(first, progress, "# 2\n", "two")
    [before] = (root / ".progress.runs").glob("*.svg")
    picture = before.read_text("utf-8")

    desk.reset("1.1", root)

    assert "expected two" in picture
    assert "expected one" not in picture
    assert not before.exists()


def test_a_run_without_a_word_on_the_wire_has_no_picture(
    root: Path, first: Exercise, progress: Progress
) -> None:
    verdict = replace(failing(first), wire=Wire())

    desk.note(verdict, digest(first.path), progress)

    assert verdict.failure is not None
    assert verdict.failure.picture is None
    assert not list(root.glob(".progress.runs/*.svg"))


def test_a_picture_that_cannot_be_written_costs_no_word_of_the_message(
    root: Path, first: Exercise, progress: Progress
) -> None:
    (root / ".progress.runs").write_text("in the way")
    verdict = failing(first)

    desk.note(verdict, digest(first.path), progress)

    assert verdict.failure is not None
    assert verdict.failure.picture is None
    assert "drawn" not in terminal.plain(verdict.failure, verdict.wire)


def test_elsewhere_a_picture_has_its_whole_path(
    first: Exercise, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = tmp_path_factory.mktemp("there")
    verdict = failing(first, EVIL)

    desk.note(verdict, digest(first.path), Progress(there / "mine.json"))

    assert verdict.failure is not None
    assert verdict.failure.picture == (there / "mine.runs" / "1.1.svg").as_posix()
    words = "".join(ElementTree.parse(verdict.failure.picture).getroot().itertext())
    assert "<script src=" in words
    assert "\x1b" not in words


# The page


def test_it_tells_of_every_exercise_what_is_known(
    root: Path, first: Exercise, progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.judge(first, digest(first.path), False, NOON)
    first.path.write_text(HALF_RIGHT)
    minutes = timedelta(minutes=1)
    progress.judge(first, digest(first.path), False, NOON + 20 * minutes)
    first.path.write_text(SOLVED)
    progress.judge(first, digest(first.path), True, NOON + 25 * minutes)
    progress.give_hint(first)
    progress.give_solution(exercises(root)[1])

    assert report.report(root=root) == 0

    page = Page((root / "report.html").read_text("utf-8")).words
    assert "1 of 3 exercises passed" in page
    assert "1 try failed, 1 hint taken, 1 solution seen, 25 min spent" in page
    day, end = report.local(NOON), report.local(NOON + 25 * minutes)
    assert f"1.1 double✔ passed11{day}{end}25 min" in page
    assert "1.2 twice· untouchedseen" in page
    assert "report.html: open it in a browser" in capsys.readouterr().out


def test_failing_runs_are_shown_the_last_one_open_while_it_has_not_passed(
    root: Path, first: Exercise, progress: Progress
) -> None:
    fail(first, progress, "# 1\n", "one")
    fail(first, progress, HALF_RIGHT, "two")
    while_open = report.document(root, NOON)
    first.path.write_text(SOLVED)
    progress.judge(first, digest(first.path), True)
    after = report.document(root, NOON)

    words = Page(while_open).words
    assert "1.1 double: 2 failing runs" in words
    assert words.index("the file as it is now") < words.index("an earlier file")
    assert while_open.count("<details open>") == 1
    assert while_open.index("<details open>") < while_open.index("<details>")
    assert while_open.count("data:image/svg+xml;base64,") == 2
    assert "<details open>" not in after
    assert "the file as it is now" not in after


def test_nothing_of_the_learners_is_taken_for_html(
    root: Path, first: Exercise, progress: Progress
) -> None:
    fail(first, progress, HALF_RIGHT, EVIL)
    file = root / ".progress.runs" / "ch01_one-ex1_double.json"
    told = json.loads(file.read_text())
    changed = dict.fromkeys(("at", "summary", "failed", "svg"), EVIL)
    changed |= {"rows": [[EVIL, EVIL]], "more": [EVIL], "wire": [EVIL]}
    file.write_text(json.dumps([{**told[0], **changed}, *told]))
    kept = json.loads(progress.file.read_text())
    kept["exercises"]["ch01_one/ex1_double"].update(begun=EVIL, when=EVIL)
    progress.file.write_text(json.dumps(kept))

    page = Page(report.document(root, NOON))

    assert "evil.example" in page.words
    assert not {"script", "link", "a", "iframe", "svg"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    places = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(places) == 2
    assert all(place.startswith("data:image/svg+xml;base64,") for place in places)
    assert ("content", report.POLICY) in page.attributes
    assert "\x1b" not in page.words


def test_a_progress_file_of_before_there_were_times_is_read(root: Path) -> None:
    old = {"ch01_one/ex1_double": {"tried": "0123456789abcdef", "tries": 2}}
    text = json.dumps({"version": 1, "exercises": old})
    (root / ".progress.json").write_text(text)

    words = Page(report.document(root, NOON)).words

    assert "2 tries failed" in words
    assert "2unknown" in words


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(59, "under 1 min"), (60, "1 min"), (3599, "59 min"), (3900, "1 h 05 min")],
)
def test_a_time_is_told_as_one_would_say_it(seconds: int, told: str) -> None:
    assert report.duration(seconds) == told


# The file


def test_a_report_takes_the_place_of_another_and_of_nothing_else(
    root: Path, first: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    named = root / "mine.html"

    assert [report.report(named, root), report.report(named, root)] == [0, 0]
    assert report.report(first.path, root) == 2

    assert first.path.read_text() == SHIPPED
    assert "is no report" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["chapters", "no such folder/report.html"])
def test_a_file_that_cannot_be_written_costs_one_sentence(
    root: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.report(root / place, root) == 2
    assert "could not be written" in " ".join(capsys.readouterr().err.split())


def test_the_files_name_means_the_same_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[list[str]] = []
    monkeypatch.setattr(launch, "hand_over", lambda *args: handed.append(args[2]) or 0)
    monkeypatch.setattr(launch.environment, "ensure", lambda root: tmp_path)
    monkeypatch.setattr(launch.environment, "in_the_way", lambda *_: [])
    monkeypatch.chdir(tmp_path)

    launch.main(["report", "-o", "a b.html"])
    launch.main(["report"])

    assert handed == [["report", "-o", str(tmp_path / "a b.html")], ["report"]]
    assert arguments.parse(["report"]).output is None
