"""What the commands say, laid out for a terminal of 80 columns or fewer.

Functions give lines; whoever calls them prints or places them. No meaning is told
by colour alone.
"""

import codecs
import difflib
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from workbook import diagram
from workbook.arguments import LEARN
from workbook.course import Chapter, Exercise
from workbook.failure import Failure
from workbook.progress import HINTS, Record, State, key, state_of
from workbook.wire import Wire

if TYPE_CHECKING:  # it imports the clients, which most commands do without
    from workbook.checks import Verdict

WIDTH = 80
"""Columns that everything fits into."""

ROWS = 6
"""Lines of a message before its diagram."""

STYLES: dict[diagram.Style, str] = {
    "head": "bold",
    "out": "not dim cyan",
    "in": "not dim green",
    "wrong": "not dim bold red",
    "quiet": "dim",
}

MARKS = {
    State.PASSED: ("✔", "green"),
    State.CHANGED: ("~", "yellow"),
    State.TRIED: ("›", "yellow"),
    State.UNTOUCHED: ("·", "dim"),
    State.MISSING: ("!", "red"),
}

Lines = list[Text]


IN_ASCII = str.maketrans(
    {
        **dict.fromkeys("├│┤", "|"),
        **dict.fromkeys("┊⋮", ":"),
        **dict.fromkeys("╳✘×", "x"),
        **dict.fromkeys("─–—", "-"),
        **dict.fromkeys("✔╪", "+"),
        **dict.fromkeys("‘’", "'"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys(map(chr, range(0x2800, 0x2900)), "*"),  # what spins
        **dict(zip("▶◀›╌·…•␣↑↓■→←", "><>..~*_^v#><", strict=True)),
    }
)
"""What stands for our letters, one for one, where there are only those of ASCII."""

FEW_LETTERS = "workbook.few_letters"
"""What a stream does with a letter that its encoding has not."""


def _spell(error: UnicodeError) -> tuple[str, int]:
    """In place of letters that cannot be written, others that are as wide."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end].translate(IN_ASCII)
    spelt = (c if c.isascii() else "?" * cell_len(c) for c in letters)
    return "".join(spelt), error.end


codecs.register_error(FEW_LETTERS, _spell)


def make_console() -> Console:
    """A console on standard output that shows text as it is.

    Where the encoding has not all our letters, ASCII stands for them: it must neither
    end a check nor hide in which direction something went.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=FEW_LETTERS)  # pyright: ignore
    return Console(highlight=False, markup=False, emoji=False)


def show(console: Console, lines: Sequence[Text], *, fold: bool = True) -> None:
    """Print lines; on a terminal that is narrower, folded or as it wraps itself.

    Args:
        console: where to print.
        lines: what to print.
        fold: whether rows may begin at a blank; those of a source may not.
    """
    if fold and console.is_terminal:
        lines = folded(lines, console.width)
    for line in lines:
        console.print(line, soft_wrap=True)


GLUE = "\ue000"
"""A blank at which no row ends."""

COMMAND = re.compile(rf"{re.escape(LEARN)} \w+(?: (?:M?\d[\d.]*|--\w+))*")


def folded(lines: Iterable[Text], width: int) -> Lines:
    """Lines of which one that is too long goes on in the next row, further in."""
    rows: Lines = []
    for line in lines:
        if line.cell_len <= width:
            rows.append(line)
            continue
        begin = len(line.plain) - len(line.plain.lstrip())
        room = max(1, width - begin - 2)
        whole = line.copy()
        for command in COMMAND.findall(line.plain):
            if len(command) <= room:
                glued = command.replace(" ", GLUE)
                whole.plain = whole.plain.replace(command, glued)
        indent = " " * begin
        for part in whole[begin:].wrap(Console(width=room), room):
            part.rstrip()
            part.plain = part.plain.replace(GLUE, " ")
            rows.append(Text.assemble(indent, part))
            indent = " " * (begin + 2)
    return rows


def both(left: Text, right: Text, width: int) -> Text:
    """Two texts at the ends of one row; the right one only where it fits."""
    room = min(WIDTH, width) - left.cell_len - right.cell_len
    return Text.assemble(left, " " * room, right) if room >= 2 else left


def wrap(text: str, width: int) -> list[str]:
    """Sentences in rows of at most 80 columns; commands are not torn apart."""
    rows: list[str] = []
    for line in text.splitlines():
        rows += textwrap.wrap(
            line, min(WIDTH, width), break_long_words=False, break_on_hyphens=False
        )
    return rows


def keys(named: Sequence[tuple[str, str]], width: int) -> Lines:
    """What keys do, in as many rows as they need."""
    rows = [Text()]
    for name, words in named:
        item = Text.assemble((name, "bold"), f" {words}")
        if rows[-1] and rows[-1].cell_len + 3 + item.cell_len > width:
            rows.append(Text())
        rows[-1].append("   " if rows[-1] else "").append_text(item)
    return rows


# A failed check


def message(failure: Failure, width: int = WIDTH) -> list[tuple[str, str]]:
    """A failure's rows, label and text, the texts wrapped to `width` columns.

    A row that needs a second line goes on with an empty label; a line of source is
    cut, for its number leads to the rest, and so are a group's other errors, and what
    was got and sent, where the rows would be more than six.
    """
    room = max(len(label) for label, _ in failure.lines) + 2
    space = max(20, width - room - 2)
    wrapped: list[tuple[str, list[str]]] = []
    for label, words in failure.lines:
        shown = printable(words)
        if label == "also":
            shown = " ".join(shown.split())
        if label in ("also", "look at") and len(shown) > space:
            shown = f"{shown[: space - 1]}…"
        wrapped.append((label, textwrap.wrap(shown, space) or [""]))
    for end in ("got", failure.action):
        for label, parts in wrapped:
            while label.endswith(end) and len(parts) > 1 and _count(wrapped) > ROWS:
                end_of_it = parts.pop()
                whole = f"{parts[-1]} {end_of_it}"  # where it is full, not at a blank
                parts[-1] = f"{whole[: space - 1].rstrip()}…"
    if _count(wrapped) > ROWS:  # then it stands below the diagram
        wrapped = [row for row in wrapped if row[0] != "also"]
    return [
        (f"{label if n == 0 else '':{room}}", part)
        for label, parts in wrapped
        for n, part in enumerate(parts)
    ]


def _count(wrapped: Sequence[tuple[str, Sequence[str]]]) -> int:
    return sum(len(parts) for _, parts in wrapped)


def printable(text: str) -> str:
    """A text whose control characters and lone surrogates are shown as escapes."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text
    )


def drawn(wire: Wire, width: int = WIDTH, most: int | None = None) -> Lines:
    """A wire's text diagram, styled for a terminal, of so many rows at most."""
    return [_coloured_row(row) for row in diagram.text(wire, width, most)]


def _coloured_row(row: diagram.Row) -> Text:
    """A row of which what happened is coloured; the lines of the others are dim."""
    line = Text(row.text, "dim" if row.start else "")
    line.stylize(STYLES[row.style] or "not dim", row.start)
    return line


def explain_failure(
    failure: Failure, wire: Wire, width: int = WIDTH, height: int | None = None
) -> Lines:
    """Everything that is told of one failed check, line by line.

    Args:
        failure: what is told.
        wire: is drawn, unless it is empty.
        width: in columns.
        height: rows that are to be seen at once: where they are few, the diagram gets
            what the message leaves.
    """
    lines: Lines = []
    for label, words in message(failure, width):
        style = {"hint": "bold", "look at": "cyan"}.get(label.strip(), "")
        lines.append(Text.assemble("  ", (label, "dim"), (words, style)))
    after = _after_the_diagram(failure, wire, width)
    if height is not None and len(lines) + 1 + diagram.FEWEST + len(after) > height:
        after = _after_the_diagram(failure, wire, width, LAST)
    if wire.events:
        room = None if height is None else height - len(lines) - 1 - len(after)
        lines += [Text(), *drawn(wire, width, room)]
    return [*lines, *after]


LAST = 3
"""Lines of a traceback and of what was printed, where there is no room for more."""


def _after_the_diagram(
    failure: Failure, wire: Wire, width: int, most: int | None = None
) -> Lines:
    """Where there is more of it, a traceback and prints of so many lines at most."""
    lines: Lines = []
    if failure.also and not any(
        a.strip() == "also" for a, _ in message(failure, width)
    ):
        also = textwrap.shorten(printable(failure.also), width - 7, placeholder="…")
        lines.append(Text(f"  also {also}", "dim"))
    if failure.picture and wire.events:
        lines.append(Text(f"  the run, drawn: {failure.picture}", "dim"))
    if failure.misconception is not None:
        more = f"  more about it: {LEARN} explain {failure.misconception}"
        lines.append(Text(more, "dim"))
    lines = [Text(), *lines] if lines else []
    if len(failure.trace) > 2:  # of one line, the message has told everything
        frames = [textwrap.shorten(printable(f), width - 4) for f in failure.trace]
        lines += _last_of("traceback, your lines only", frames, most)
    if failure.printed:
        prints = [printable(p.expandtabs())[: width - 4] for p in failure.printed]
        lines += _last_of("your program printed, at last", prints, most)
    return lines


def _last_of(head: str, told: Sequence[str], most: int | None) -> Lines:
    """What was told, under a head that says so where it is only the end of it."""
    shown = told[-most:] if most else told
    cut_off = f" ({len(shown)} of {len(told)})" if len(shown) < len(told) else ""
    rows = [Text(f"    {line}", "dim") for line in shown]
    return [Text(), Text(f"  {head}{cut_off}:", "dim"), *rows]


def plain(failure: Failure, wire: Wire) -> str:
    """The same as plain text, for pytest and for files."""
    return "\n".join(line.plain.rstrip() for line in explain_failure(failure, wire))


# The verdict on an exercise


def title(exercise: Exercise) -> str:
    """What an exercise is called: "1.2 sum"."""
    return f"{exercise.id} {exercise.title}"


def summary(verdict: "Verdict") -> Text:
    """One line: the exercise, and whether it passes; checks end at the first no."""
    name, done, total = title(verdict.exercise), len(verdict.passed), verdict.total
    if verdict.ok:
        every = "its check passes" if total == 1 else f"all {total} checks pass"
        return Text.assemble(("✔ ", "green"), (name, "bold"), f": {every}")
    place = (
        f", check {done + 1} of {total} fails"
        if verdict.failed and done < total
        else ""
    )
    return Text.assemble(("✘ ", "red"), (name, "bold"), f": not yet{place}")


def explain(verdict: "Verdict", width: int = WIDTH, height: int | None = None) -> Lines:
    """A verdict: the summary, each check up to the failed one, why it failed.

    Args:
        verdict: of one exercise.
        width: in columns.
        height: rows of the window. What does not fit gets shorter, so that the message
            is still to be seen when all of it has been printed.
    """
    passed = [Text.assemble(("  ✔ ", "green"), check) for check in verdict.passed]
    lines = _explained(verdict, passed, width)
    if height is None or verdict.ok or len(lines) + FOLLOWS <= height:
        return lines
    if len(passed) > 1:
        passed = [Text.assemble(("  ✔ ", "green"), f"{len(passed)} checks pass")]
    return _explained(verdict, passed, width, height - FOLLOWS)


def _explained(
    verdict: "Verdict", passed: Lines, width: int, height: int | None = None
) -> Lines:
    lines = [summary(verdict), Text(), *passed]
    if verdict.failed:
        lines.append(Text.assemble(("  ✘ ", "red"), (verdict.failed, "bold")))
    if verdict.failure is not None:
        lines += [Text()] if verdict.passed or verdict.failed else []
        left = None if height is None else height - len(lines)
        lines += explain_failure(verdict.failure, verdict.wire, width, left)
    return lines


FOLLOWS = 3
"""Rows that a command prints after a verdict, the shell's prompt among them."""


def brief(verdict: "Verdict", width: int = WIDTH) -> Lines:
    """A verdict among others: the summary, and the message of the failed check."""
    lines, failure = [summary(verdict)], verdict.failure
    if verdict.failed:
        lines.append(Text(f"    {verdict.failed}"))
    if failure is not None:
        rows = message(failure, min(WIDTH, width) - 2)
        lines += [Text.assemble("    ", (a, "dim"), b) for a, b in rows]
    return lines


def not_judged(exercise: Exercise, begun: bool) -> Text:
    """The line about an exercise whose check has not ended yet, or not begun."""
    words = "being checked" if begun else "not checked yet"
    return Text.assemble("  ", (title(exercise), "bold"), f": {words}")


def not_begun(exercise: Exercise) -> Text:
    """The line about an exercise whose file is as it was shipped."""
    return Text.assemble(("· ", "dim"), (title(exercise), "bold"), ": not begun")


def tell(verdict: "Verdict", console: Console) -> None:
    """Print a verdict: what passed, and what is told of the first check that did not.

    Args:
        verdict: of one exercise.
        console: where to print.
    """
    width = min(WIDTH, console.width)
    height = console.height if console.is_terminal else None
    lines = explain(verdict, width, height)
    if height is not None:
        height -= len(folded(lines, width)) - len(lines)
        lines = explain(verdict, width, height)
    show(console, lines)


def help_line(exercise: Exercise, record: Record) -> Text:
    """How to get a hint, to follow a verdict that is not yet green."""
    if record.hints >= HINTS:
        more = f"The hints again: {LEARN} hint {exercise.id}"
    elif record.hints:
        more = f"One more hint: {LEARN} hint {exercise.id}"
    else:
        more = f"Need a hint? {LEARN} hint {exercise.id}"
    return Text(more)


# Chapters, exercises and what comes next


def shown_path(exercise: Exercise) -> str:
    """The learner's file, as seen from the workbook's folder."""
    return exercise.path.relative_to(exercise.chapter.root).as_posix()


def standing(exercise: Exercise, record: Record) -> str:
    """Where the learner stands with one exercise, in words."""
    state = state_of(exercise, record)
    words = [state.value]
    if state is State.TRIED:
        words = [tried(record.tries)]
    if record.solution:
        words.append("solution seen")
    elif record.hints and state is not State.PASSED:
        words.append(f"{record.hints} hint{'s' if record.hints > 1 else ''} seen")
    return ", ".join(words)


def tried(times: int) -> str:
    """What is said of a file that has been changed and has not passed."""
    counts = {0: "begun, not checked", 1: "tried once", 2: "tried twice"}
    return counts.get(times, f"tried {times} times")


def next_exercise(
    exercises: Sequence[Exercise], records: Mapping[str, Record]
) -> Exercise | None:
    """The first exercise that has not passed as it is now."""
    for exercise in exercises:
        record = records.get(key(exercise), Record())
        if state_of(exercise, record) is not State.PASSED:
            return exercise
    return None


def overview(chapters: Sequence[Chapter], records: Mapping[str, Record]) -> Lines:
    """Every chapter and its state; the exercises of the one that is next."""
    exercises = [ex for chapter in chapters for ex in chapter.exercises]
    current = next_exercise(exercises, records)
    lines: Lines = []
    for chapter in chapters:
        mine = [(ex, records.get(key(ex), Record())) for ex in chapter.exercises]
        head = Text(f"{chapter.number} {chapter.title}", "bold")
        unfolded = len(chapters) == 1 or (
            current is not None and current.chapter == chapter
        )
        if not unfolded:
            counted = _counted([state_of(ex, record) for ex, record in mine])
            lines.append(Text.assemble(f"{head.plain:16} ", counted))
            continue
        room = max((len(title(ex)) for ex, _ in mine), default=0)
        lines.append(head)
        lines += [_row(ex, record, room) for ex, record in mine]
    return lines


def _row(exercise: Exercise, record: Record, room: int) -> Text:
    mark, style = MARKS[state_of(exercise, record)]
    words = f"{title(exercise):{room}}   {standing(exercise, record)}"
    return Text.assemble("  ", (mark, style), f" {words}")


def _counted(states: Sequence[State]) -> str:
    """How many exercises are in each state: "2 passed, 1 tried"."""
    if not states:
        return "no exercises"
    if set(states) == {State.PASSED}:
        return f"✔ all {len(states)} exercises passed"
    counts = {state: states.count(state) for state in State}
    return ", ".join(f"{n} {state.value}" for state, n in counts.items() if n)


def bar(exercises: Sequence[Exercise], records: Mapping[str, Record]) -> Text:
    """Progress over all: "2 of 4 exercises passed"."""
    states = [state_of(ex, records.get(key(ex), Record())) for ex in exercises]
    return Text(f"{states.count(State.PASSED)} of {len(states)} exercises passed")


def welcome() -> Lines:
    """What a learner reads first, and does first."""
    steps = (
        ("See the app of chapter 1 run", "run 1"),
        ("Read how it works, and try it", "notebook 1"),
        ("Begin the first exercise", "check 1.1"),
    )
    lines = [
        Text("Welcome! This workbook teaches WebSockets with FastAPI, one running app"),
        Text("after another. This is the way through chapter 1:"),
        Text(),
    ]
    for number, (words, command) in enumerate(steps, 1):
        lines.append(
            Text.assemble(f"  {number}. {words:32}", (f"{LEARN} {command}", "bold"))
        )
    return lines


def next_step(exercise: Exercise | None, record: Record) -> Lines:
    """The one next thing to do."""
    if exercise is None:
        return [Text("Every exercise passes. There is nothing left to do here.")]
    state = state_of(exercise, record)
    if state is State.MISSING:
        do = f"get its file back: {LEARN} reset {exercise.id}"
    elif state is State.UNTOUCHED:
        do = f"open {shown_path(exercise)}"
    else:
        do = f"go on in {shown_path(exercise)}"
    lines = [Text.assemble(("Next: ", "bold"), (title(exercise), "bold"), f", {do}")]
    if state is not State.MISSING:
        lines.append(Text(f"      and check it: {LEARN} check {exercise.id}"))
    return lines


def after_pass(exercise: Exercise, following: Exercise | None) -> Lines:
    """What to do when an exercise has just passed."""
    lines = [Text(f"How we did it: {LEARN} solution {exercise.id}")]
    if following is None or following.chapter != exercise.chapter:
        return [*lines, *after_chapter(exercise.chapter, following)]
    step = f"{title(following)}, {shown_path(following)}"
    return [*lines, Text.assemble(("Next: ", "bold"), step)]


def after_chapter(chapter: Chapter, following: Exercise | None) -> Lines:
    """What to do when every exercise of a chapter passes."""
    if following is None:
        return [Text("Every exercise of the workbook passes. Well done.", "bold")]
    number, done = following.chapter.number, f"Chapter {chapter.number} is done. "
    step = f"Chapter {number}, {following.chapter.title}: {LEARN} run {number}"
    return [Text.assemble((f"{done}Next: ", "bold"), step)]


# Hints and solutions


def read_hints(exercise: Exercise) -> list[str]:
    """The exercise's hints, from a nudge to nearly the answer.

    They stand in one file, parted by lines of three hyphens.
    """
    if not exercise.hints.exists():
        return []
    text = exercise.hints.read_text(encoding="utf-8")
    parts = re.split(r"^---[ \t]*$", text, flags=re.MULTILINE)
    return [part.strip() for part in parts if part.strip()]


def hint(number: int, there_are: int, text: str, width: int = WIDTH) -> Lines:
    """One hint under its heading, its paragraphs wrapped, its code as it stands."""
    lines = [Text(f"Hint {number} of {there_are}", "bold")]
    lines += [Text(f"  {line}" if line else "") for line in paragraphs(text, width - 2)]
    while not lines[-1]:
        lines.pop()
    return lines


def hints(
    exercise: Exercise,
    texts: Sequence[str],
    given: int,
    before: int,
    width: int = WIDTH,
) -> Lines:
    """The hints given so far, and what comes after them.

    Args:
        exercise: whose hints they are.
        texts: all of them.
        given: how many to show.
        before: how many had been given before this one.
        width: columns to use.
    """
    lines = [Text(f"{title(exercise)}", "bold")]
    for number, text in enumerate(texts[:given], 1):
        lines += [Text(), *hint(number, len(texts), text, min(WIDTH, width))]
    if given < len(texts):
        return lines
    more = "That was the last hint." if before < given else "There are no more hints."
    way = f"To give up: {LEARN} solution {exercise.id}"
    return [*lines, Text(), Text(f"{more} {way}")]


def paragraphs(text: str, width: int) -> Iterator[str]:
    """Plain text with its paragraphs wrapped; lists and code keep their lines."""
    fenced, running = False, list[str]()
    for line in [*text.splitlines(), ""]:
        fence = line.lstrip().startswith("```")
        by_itself = fenced or fence or not line or line.startswith(("    ", "\t"))
        if running and (by_itself or _is_item(line, running)):
            yield from _wrapped(running, width)
            running = []
        if fence:
            fenced = not fenced
        elif fenced or line.startswith(("    ", "\t")):
            yield line if not fenced else f"    {line}"
        elif line:
            running.append(line)
        else:
            yield ""


MARK = re.compile(r"\s*(?:[-*]|\d{1,2}\.) ")
"""What an item of a list begins with. A close code at a line's start is none."""


def _is_item(line: str, before: Sequence[str]) -> bool:
    """Whether a line begins an item: after another one, or after a whole sentence."""
    if not MARK.match(line):
        return False
    return bool(MARK.match(before[0])) or before[-1].rstrip().endswith(tuple(".:?!"))


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    """One paragraph; what follows a list's mark is indented under it."""
    mark = MARK.match(lines[0])
    indent = " " * len(mark[0]) if mark else ""
    words = " ".join([lines[0].rstrip(), *(line.strip() for line in lines[1:])])
    return textwrap.wrap(words, width, subsequent_indent=indent, break_on_hyphens=False)


def solution(exercise: Exercise, code: str, mine: str, console: Console) -> Lines:
    """A solution; a `+` stands before each line that the learner's file has not."""
    lines = code.splitlines()
    matcher = difflib.SequenceMatcher(None, mine.splitlines(), lines, autojunk=False)
    same = {
        n for _, b, size in matcher.get_matching_blocks() for n in range(b, b + size)
    }
    coloured = _coloured(code, console)
    where = exercise.solution.relative_to(exercise.chapter.root).as_posix()
    shown = [Text.assemble(("The solution of ", ""), (title(exercise), "bold"))]
    shown += [Text(f"{where}; + marks what your file has not"), Text()]
    for n, line in enumerate(coloured):
        mark = " " if n in same else "+"
        row = Text.assemble((f"{mark} ", "bold green"), line)
        row.rstrip()
        shown.append(row)
    return shown


def _coloured(code: str, console: Console) -> Lines:
    """The lines of a Python source, coloured where the terminal shows colour."""
    if not console.is_terminal or console.color_system is None:
        return [Text(line) for line in code.splitlines()]
    from rich.syntax import Syntax

    syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
    text = syntax.highlight(code.rstrip("\n"))
    text.rstrip()
    return list(text.split("\n", allow_blank=True))
