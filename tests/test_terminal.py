"""What is told fits into eighty columns and needs no colour to be understood."""

import ast
import io
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.spinner import Spinner
from rich.text import Text

from tests.small_course import RIGHT, SHIPPED, SOLVED, make_course, write
from tests.steady import SteadyWire
from workbook import terminal
from workbook.arguments import LEARN
from workbook.checks import Verdict
from workbook.course import ROOT, Exercise, chapters
from workbook.failure import Failure, Line
from workbook.progress import Record, State, digest, key
from workbook.wire import Wire


@pytest.fixture
def three(tmp_path: Path) -> tuple[Exercise, ...]:
    return make_course(tmp_path)


def plain(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def failed(exercise: Exercise, failure: Failure) -> Verdict:
    wire = SteadyWire()
    wire.record("ana", "out", "request", "/ws")
    event = wire.record("ana", "in", "text", "hello", mark='expected text "HELLO"')
    failure.event = event
    return Verdict(exercise, exercise.path, ["it runs"], "it shouts", failure, wire, 3)


def test_a_verdict_among_others_names_the_check_that_failed(
    three: tuple[Exercise, ...],
) -> None:
    failure = Failure("ana", 'text "hello"', 'text "HELLO"')

    told = plain(terminal.brief(failed(three[0], failure))).splitlines()

    assert told[1] == "    it shouts"
    assert any("ana got" in line for line in told[2:])


def test_who_begins_is_told_three_steps() -> None:
    told = plain(terminal.welcome())

    assert [f" {n}. " in told for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert [f"{LEARN} {step}" in told for step in ("run 1", "check 1.1")] == [True] * 2


def test_hints_are_counted_from_the_first(three: tuple[Exercise, ...]) -> None:
    told = plain(terminal.hints(three[0], ["look", "think", "write"], 2, 1))

    assert "Hint 1 of 3\n  look" in told
    assert "Hint 2 of 3\n  think" in told
    assert "Hint 3" not in told


def test_a_failure_is_told_message_first_then_wire_then_traceback(
    three: tuple[Exercise, ...],
) -> None:
    failure = Failure("ana", 'text "hello"', 'text "HELLO"', sent='text "hello"')
    failure.where = Line("/x/ex1_double.py", 30, "  await send(text)")
    failure.hint = "Where are its capitals?"
    failure.trace = ["ex1_double.py:9  a()", "ex1_double.py:30  b()", "ValueError: no"]

    told = plain(terminal.explain(failed(three[0], failure)))

    places = [
        told.index(part)
        for part in (
            "✘ 1.1 double: not yet, check 2 of 3 fails",
            "✔ it runs",
            "✘ it shouts",
            'ana sent      text "hello"',
            'ana got       text "hello"',
            'ana expected  text "HELLO"',
            "look at       ex1_double.py:30  await send(text)",
            "hint          Where are its capitals?",
            "ana        ",
            "expected text",
            "traceback, your lines only",
            "ValueError: no",
        )
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_nothing_is_wider_than_the_terminal(
    three: tuple[Exercise, ...], width: int
) -> None:
    failure = Failure("ana", "word " * 40, "x" * 300, sent="frame " * 20)
    failure.trace = ["ex1_double.py:1  " + "f(" * 90, "b", "c"]

    lines = terminal.explain_failure(failure, failed(three[0], failure).wire, width)

    assert max(line.cell_len for line in lines) <= width


def test_control_characters_and_lone_surrogates_are_shown_not_sent() -> None:
    failure = Failure("ana", "ValueError: \x1b[2J\ud800\x07 Grüße", "nothing")

    [got, _] = [text for _, text in terminal.message(failure)]

    assert got == r"ValueError: \x1b[2J\ud800\x07 Grüße"


def test_a_traceback_of_one_line_is_left_to_the_message() -> None:
    failure = Failure(
        "", "SyntaxError: no", "an app", trace=["a.py:1  x", "SyntaxError"]
    )

    assert "traceback" not in terminal.plain(failure, Wire())


def test_a_known_misconception_is_explained_elsewhere() -> None:
    failure = Failure("ana", "nothing", "a text", misconception="M47")

    told = terminal.plain(failure, Wire()).splitlines()

    assert told[-1] == "  more about it: python3 learn.py explain M47"
    failure.misconception = None
    assert "explain" not in terminal.plain(failure, Wire())


def long_run(exercise: Exercise, failure: Failure, count: int) -> Verdict:
    """A run with a mark in its middle, after checks that passed."""
    wire = SteadyWire()
    for n in range(count):
        mark = "expected nothing" if n == count // 2 else None
        wire.record("ana", "out", "text", f"m{n}", mark=mark)
    passed = [f"it passes {n}" for n in range(5)]
    return Verdict(exercise, exercise.path, passed, "it fails", failure, wire, 6)


@pytest.mark.parametrize("count", [3, 9, 20, 30, 400])
@pytest.mark.parametrize("traced", [0, 20])
def test_of_a_long_run_the_message_and_what_is_wrong_are_on_the_screen(
    three: tuple[Exercise, ...], count: int, traced: int
) -> None:
    failure = Failure("ana", "this", "that", sent="it", hint="none", picture="1.svg")
    failure.trace = [f"ex1_double.py:{n}  f()" for n in range(traced)]
    failure.printed = ["hello"] * 5 if traced else []
    height = 30
    told = terminal.explain(long_run(three[0], failure, count), 80, height)

    seen = [line.plain for line in told][-(height - terminal.FOLLOWS) :]

    assert "  ✘ it fails" in seen
    assert "  ana got       this" in seen
    assert any(line.endswith(" ✘") for line in seen)
    assert "  the run, drawn: 1.svg" in seen


def test_what_fits_on_the_screen_is_shown_whole(three: tuple[Exercise, ...]) -> None:
    verdict = long_run(three[0], Failure("ana", "this", "that", sent="it"), 3)

    high = plain(terminal.explain(verdict, 80, 30))

    assert high == plain(terminal.explain(verdict))
    assert "✔ it passes 4" in high


def test_a_pipe_gets_all_of_a_long_run(three: tuple[Exercise, ...]) -> None:
    verdict = long_run(three[0], Failure("ana", "this", "that", sent="it"), 30)
    console = Console(file=io.StringIO())

    terminal.tell(verdict, console)

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        line.plain.rstrip() for line in terminal.explain(verdict)
    ]


def test_a_window_gets_what_it_has_room_for(three: tuple[Exercise, ...]) -> None:
    verdict = long_run(three[0], Failure("ana", "this", "that", sent="it"), 30)
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)

    terminal.tell(verdict, console)

    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) <= 24 - terminal.FOLLOWS
    assert "rows left out" in console.file.getvalue()


def test_the_other_errors_of_a_group_take_one_row() -> None:
    failure = Failure("ana", "x" * 300, "y" * 60, sent="z" * 300, hint="h" * 60)
    failure.also = "in the group: ValueError: " + "a\nb " * 100
    failure.where = Line("/x/ex1_double.py", 30, "  await send(text)")

    rows = terminal.message(failure)

    assert len(rows) == 6
    [also] = [words for label, words in rows if label.strip() == "also"]
    assert also.startswith("in the group: ValueError: a b a b")
    assert also.endswith("…")


def test_where_six_rows_are_full_the_other_errors_stand_below() -> None:
    failure = Failure("ana", "this", "that", sent="it", hint="word " * 20)
    failure.also = "in the group: ValueError: " + "a b " * 100
    failure.where = Line("/x/ex1_double.py", 30, "  await send(text)")

    rows = terminal.message(failure)
    told = terminal.plain(failure, Wire()).splitlines()

    assert len(rows) == 6
    assert "also" not in [label.strip() for label, _ in rows]
    assert told[7].startswith("  also in the group: ValueError: a b a b")
    assert max(map(len, told)) <= terminal.WIDTH


def test_what_happened_is_coloured_and_the_other_lines_are_dim() -> None:
    wire = SteadyWire()
    wire.record("ana", "out", "text", "hello")
    wire.record("bo", "in", "text", "hello", mark="expected nothing")

    [_, sent, wrong, mark] = terminal.drawn(wire)

    styles = [(line.style, line.spans[0].style) for line in (sent, wrong, mark)]
    assert styles == [
        ("dim", "not dim cyan"),
        ("dim", "not dim bold red"),
        ("dim", "not dim bold red"),
    ]
    assert [line.spans[0].start for line in (sent, wrong)] == [9, 21]


def test_a_program_that_leaves_something_behind_fails_no_numbered_check(
    three: tuple[Exercise, ...],
) -> None:
    failure = Failure("", "a process left running", "nothing")
    verdict = Verdict(three[0], three[0].path, ["a", "b"], "it ends", failure, total=2)

    assert terminal.summary(verdict).plain == "✘ 1.1 double: not yet"


def test_states_are_told_in_words(three: tuple[Exercise, ...]) -> None:
    [exercise, *_] = three
    solved = Record(passed=digest(exercise.solution))
    told = [terminal.standing(exercise, Record())]
    told.append(terminal.standing(exercise, Record(hints=1)))
    write(exercise.path, SOLVED)
    told.append(terminal.standing(exercise, solved))
    told.append(terminal.standing(exercise, Record()))
    told.append(terminal.standing(exercise, Record(tries=1, hints=2)))
    told.append(terminal.standing(exercise, Record(tries=3, solution=True)))
    write(exercise.path, RIGHT)
    told.append(terminal.standing(exercise, solved))
    exercise.path.unlink()
    told.append(terminal.standing(exercise, solved))

    assert told == [
        "untouched",
        "untouched, 1 hint seen",
        "passed",
        "begun, not checked",
        "tried once, 2 hints seen",
        "tried 3 times, solution seen",
        "changed since it passed",
        "its file is missing",
    ]


def test_every_state_has_a_mark_of_its_own() -> None:
    marks = [mark for mark, _ in terminal.MARKS.values()]

    assert set(terminal.MARKS) == set(State)
    assert len(set(marks)) == len(marks)


def test_the_overview_unfolds_the_chapter_that_is_next(
    three: tuple[Exercise, ...], tmp_path: Path
) -> None:
    for exercise in three[:2]:
        write(exercise.path, SOLVED)
    passed = Record(passed=digest(three[0].solution))
    records = {key(three[0]): passed, key(three[1]): passed}

    begun = plain(terminal.overview(chapters(tmp_path), {}))
    later = plain(terminal.overview(chapters(tmp_path), records))

    assert begun.splitlines() == [
        "1 one",
        "  › 1.1 double   begun, not checked",
        "  › 1.2 twice    begun, not checked",
        "2 two            1 untouched",
    ]
    assert later.splitlines() == [
        "1 one            ✔ all 2 exercises passed",
        "2 two",
        "  · 2.1 again   untouched",
    ]


def test_hints_keep_lists_and_code_and_wrap_the_rest(
    three: tuple[Exercise, ...],
) -> None:
    hints = terminal.read_hints(three[0])

    told = [plain(terminal.hint(n, 3, text, 60)) for n, text in enumerate(hints, 1)]

    assert len(hints) == 3
    assert max(len(line) for text in told for line in text.splitlines()) <= 60
    assert told[0].startswith("Hint 1 of 3\n  Look at `return`. It is one long line")
    assert "\n  - the first\n  - the second" in told[1]
    assert told[2].endswith("\n      return ...")


@pytest.mark.parametrize("number", ["4401", "12"])
def test_a_number_that_ends_a_sentence_begins_no_list(number: str) -> None:
    text = f"Catch it outside, and close there with\n{number}. Then it has ended."

    told = list(terminal.paragraphs(text, 70))

    assert told == [" ".join(text.splitlines()), ""]


def test_a_list_may_follow_a_sentence_and_items_wrap_under_their_text() -> None:
    text = "There are two steps:\n1. Where does it\n   begin?\n12. What then?"

    told = list(terminal.paragraphs(text, 16))

    assert told == [
        "There are two",
        "steps:",
        "1. Where does it",
        "   begin?",
        "12. What then?",
        "",
    ]


def test_a_solution_marks_the_lines_that_the_learner_has_not(
    three: tuple[Exercise, ...],
) -> None:
    console = Console(file=io.StringIO())

    lines = terminal.solution(three[0], SOLVED, SHIPPED, console)

    told = plain(lines).splitlines()
    assert told[1].startswith("solutions/ch01_one/ex1_double.py")
    assert [row for row in told[3:] if row.startswith("+")] == [
        "+     return 2 * n  # twice"
    ]
    assert [row[2:] for row in told[3:]] == SOLVED.splitlines()


def test_colour_changes_no_word_of_a_solution(three: tuple[Exercise, ...]) -> None:
    colourful = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard"
    )
    grey = Console(file=io.StringIO())

    told = terminal.solution(three[0], SOLVED, "", colourful)

    assert any(line.spans for line in told)
    assert plain(told) == plain(terminal.solution(three[0], SOLVED, "", grey))


def test_a_narrow_row_leaves_its_right_end_out() -> None:
    left, right = Text("left"), Text("right")

    assert terminal.both(left, right, 12).plain == "left   right"
    assert terminal.both(left, right, 10).plain == "left"


@pytest.mark.parametrize("width", [20, 40])
def test_a_line_that_is_too_long_goes_on_further_in(width: int) -> None:
    long = Text.assemble("  To give up: ", ("python3 learn.py solution 1.1", "bold"))

    rows = terminal.folded([Text("short"), long], width)

    assert plain(rows).startswith("short\n  ")
    assert "".join(plain(rows).split()) == "".join(f"short{long.plain}".split())
    assert len(rows) > 2
    assert any("bold" in str(span.style) for row in rows for span in row.spans)


def test_a_command_is_not_torn_apart() -> None:
    long = Text("That was the last hint. The answer: python3 learn.py solution 1.1")

    rows = terminal.folded([long], 50)

    assert [row.plain for row in rows] == [
        "That was the last hint. The answer:",
        "  python3 learn.py solution 1.1",
    ]


def test_a_narrow_terminal_gets_rows_folded_but_for_those_of_a_source() -> None:
    line = Text("    return await websocket.send_text(text)  # to who asked")
    console = Console(file=io.StringIO(), force_terminal=True, width=40)

    terminal.show(console, [line])
    terminal.show(console, [line], fold=False)

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [
        "    return await",
        "      websocket.send_text(text)  # to",
        "      who asked",
        line.plain,
    ]


def test_what_folds_takes_of_the_room_of_a_long_run(
    three: tuple[Exercise, ...],
) -> None:
    failure = Failure("ana", "this", "that", sent="it", misconception="M24")
    verdict = long_run(three[0], failure, 30)
    console = Console(file=io.StringIO(), force_terminal=True, width=40, height=30)

    terminal.tell(verdict, console)

    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "python3 learn.py explain M24" in told
    assert len(told.splitlines()) <= 30 - terminal.FOLLOWS


# Where there are few letters


NOT_SHOWN = {terminal.GLUE, "\xe0", *map(chr, range(0x1F3FB, 0x1F400))}
"""A mark of our own, a key of Windows, and colours of skin, which are looked for."""


def letters() -> set[str]:
    """What the engine's texts hold beside ASCII; descriptions are for readers."""
    found: set[str] = set()
    for file in sorted((ROOT / "workbook").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {c for c in node.value if not c.isascii()}
    for page in (ROOT / "docs").glob("*.md"):
        found |= {c for c in page.read_text(encoding="utf-8") if not c.isascii()}
    return found - NOT_SHOWN


def test_every_letter_of_ours_has_one_of_ascii() -> None:
    assert letters() >= set("▶◀✘✔│─…")
    for letter in letters():
        spelt = letter.translate(terminal.IN_ASCII)
        assert spelt.isascii(), letter
        assert len(spelt) == 1, letter


def printed(encoding: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> str:
    """A verdict as it comes out of a stream of this encoding."""
    kept = io.BytesIO()
    stream = io.TextIOWrapper(kept, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.tell(verdict, terminal.make_console())
    stream.flush()
    return kept.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_a_diagram_keeps_its_directions_and_its_widths_in_every_encoding(
    three: tuple[Exercise, ...], monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    verdict = failed(three[0], Failure("ana", "this", "Grüße 猫", sent="it"))

    whole = printed("utf-8", verdict, monkeypatch).splitlines()
    told = printed(encoding, verdict, monkeypatch).splitlines()

    assert [cell_len(row) for row in told] == [cell_len(row) for row in whole]
    assert told[0].startswith("x 1.1 double: not yet")
    [sent] = [row for row in told if "GET /ws" in row or '"/ws"' in row]
    [got] = [row for row in told if 'text "hello"' in row and row.rstrip()[-1] == "x"]
    assert ">" in sent
    assert "<" in got
    assert "??" in "".join(told)  # a cat is none of ours
    assert "".join(told).count("?") <= 2 + 2 * (encoding == "ascii")


def test_in_ascii_lines_and_arrows_are_drawn(
    three: tuple[Exercise, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = failed(three[0], Failure("ana", "this", "that", sent="it"))

    told = printed("ascii", verdict, monkeypatch)

    assert "|<- " in told
    assert "->|" in told
    assert "--| x" in told


def test_what_is_refused_and_what_spins_need_no_more_letters_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(kept, encoding="ascii"))
    terminal.make_console()

    print("cut\u2026", *Spinner("dots").frames, file=sys.stderr, flush=True)

    assert kept.getvalue().split() == [b"cut~", *[b"*"] * 10]


def test_half_a_character_does_not_end_the_printing(
    three: tuple[Exercise, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict(three[0], three[0].path, ["a \ud800 b"], None, None)

    assert "a ? b" in printed("utf-8", verdict, monkeypatch)


def test_commands_in_a_sentence_are_not_torn_at_hyphens() -> None:
    rows = terminal.wrap("Way out: " + "python3 learn.py solution 1.1 --yes " * 3, 40)

    assert max(map(len, rows)) <= 40
    assert not any(row.endswith("-") for row in rows)
