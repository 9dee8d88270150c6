"""What `learn.py explain` knows: the entries of docs/, found by number or by text.

The Markdown pages are the source. Each heading of the second level begins an entry,
each row of it is an item that begins with a bold label; what stands in an entry's
fenced block is the text by which it is found, `…` being what differs.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workbook import terminal
from workbook.arguments import LEARN
from workbook.course import ROOT, Exercise, exercises

FOUND, NOTHING = 0, 1
"""Exit statuses."""

PAGES = {
    "close-codes": "close codes",
    "statuses": "answers to a handshake",
    "misconceptions": "misconceptions",
    "errors": "error texts",
}
"""The pages in docs/, and what each holds."""

EXAMPLES = ("1006", "M20", "'Cannot call \"send\" once a close message'")

IN_FULL = 3  # entries that are shown whole; of more, a list
LISTED = 14
LOOKED_FOR = 8  # words: whoever pastes more has pasted an error
MOST_READ = 1 << 24  # bytes, of standard input
MOST = 1 << 18  # characters that are looked at, the last: of a log they are the news
MOST_FOR_A_NUMBER = 40  # characters
MOST_BY_NAME = 1 << 13  # characters, the last, in which bare names are looked for
LABEL = 14  # columns
ABOVE_ALL = {"Exception in ASGI application", "WebSocket connection to ... failed"}
"""Titles of what stands before every error, and so is no news where one is known."""


INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<link>[^\]]+)\](?:\([^)]*\))?"
)
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
NOISE = {"a", "an", "and", "do", "does", "how", "i", "in", "is", "it", "my", "of"} | {
    *("the", "to", "what", "when", "why", "close", "code", "error", "http")
}
"""Words that narrow nothing down."""

CODE_IN_TEXT = re.compile(
    r"(?:\b(?:received|sent|closed?|code|with)|disconnect)\W{1,4}"
    r"(?:closecode[\w. ]{0,40}\W{1,4})?(?P<code>[1-4]\d{3})\b"
    r"|\b(?:http|response code|status code|rejected|websocket \S+)\W{1,4}"
    r"(?P<status>[1-5]\d\d)\b",
    re.IGNORECASE,
)
"""Where a longer text speaks of a close code or a status."""


BARE_NAME = re.compile(
    r"^(?P<before>[^\w\n]*)(?P<name>\w+)(?P<rest>[ \t]*(?::.*)?\r?)$", re.MULTILINE
)
"""A line that is a name, or begins with one and a colon."""


@dataclass(frozen=True)
class Entry:
    """One entry of a page: its number, if it has one, its title and its rows."""

    page: str
    id: str  # "1006", "4000-4999", "M20", or empty
    title: str
    body: str  # Markdown, without the fenced block
    texts: Sequence[str]  # by which it is found

    @property
    def name(self) -> str:
        """What to ask for, and what it is: "1006: abnormal closure"."""
        return f"{self.id}: {self.title}" if self.id else self.title

    @cached_property
    def rows(self) -> list[tuple[str, str]]:
        """Label and Markdown of each row; a paragraph has no label."""
        rows: list[tuple[str, str]] = []
        for part in re.split(r"\n(?=- )|\n\n", self.body.strip()):
            words = " ".join(part.split())
            labelled = re.match(r"- \*\*(.+?):?\*\*:? (.+)", words)
            if labelled:
                rows.append((labelled[1], labelled[2]))
            elif words:
                rows.append(("", words))
        return rows

    @cached_property
    def words(self) -> set[str]:
        """All words of the entry, in small letters."""
        everything = f"{self.name} {self.body} {' '.join(self.texts)}"
        return set(plain_words(everything).split())

    def takes(self, number: int) -> bool:
        """Whether this is the entry of a number, or of a range that holds it."""
        first, _, last = self.id.partition("-")
        if not first.isdecimal():
            return False
        return int(first) <= number <= int(last or first)


def read(root: Path = ROOT) -> list[Entry]:
    """The entries of all pages.

    Raises:
        OSError: a page is missing or cannot be read.
    """
    entries: list[Entry] = []
    for page in PAGES:
        text = (root / "docs" / f"{page}.md").read_text(encoding="utf-8")
        for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            entries.append(_entry(page, part))
    return entries


def _entry(page: str, part: str) -> Entry:
    heading, _, body = part.partition("\n")
    body = re.split(r"^(?:# |\[[^\]]+\]: )", body, maxsplit=1, flags=re.MULTILINE)[0]
    numbered = re.match(r"(M\d\d|\d+(?:-\d+)?): (.+)", heading)
    id, title = numbered.groups() if numbered else ("", heading)
    texts: list[str] = []
    fenced = re.search(r"^```text\n(.*?)^```\n", body, re.MULTILINE | re.DOTALL)
    if fenced:
        texts = fenced[1].splitlines()
        body = body.replace(fenced[0], "")
    return Entry(page, id, title.replace("`", ""), body, texts)


# Finding


def plain_words(text: str) -> str:
    """Words in small letters, one blank between: nothing of quotes, bars, colours."""
    return " ".join(re.findall(r"[^\W_]+", ESCAPES.sub("", text).casefold()))


def by_number(text: str, entries: Sequence[Entry]) -> list[Entry] | None:
    """The entry of a number; None where the text is none."""
    text = text.strip()
    if len(text) > MOST_FOR_A_NUMBER:
        return None
    number = r"(?:error|http(?: status)?|status|(?:close )?code|close)?\W*(\d{1,5})"
    if re.fullmatch(r"-\d+", text):
        return []
    misconception = re.fullmatch(r"m ?(\d{1,2})", text, re.IGNORECASE)
    if misconception:
        return [e for e in entries if e.id == f"M{int(misconception[1]):02}"]
    asked = re.fullmatch(rf"\W*{number}\W*", text, re.IGNORECASE)
    return find_number(int(asked[1]), entries) if asked else None


def by_check(text: str, root: Path = ROOT) -> list[Entry]:
    """What there is to say of a check of an exercise: where its hints are.

    Args:
        text: the check's name, as a verdict tells it or as pytest does.
        root: the workbook's folder.
    """
    asked = plain_words(text).removeprefix("test ")
    if not asked or "\n" in text.strip():
        return []  # of a whole verdict the errors say more
    found = (entry for ex in exercises(root) for entry in _checks(ex))
    return [entry for entry in found if plain_words(entry.title) == asked]


def _checks(exercise: Exercise) -> Iterator[Entry]:
    """The checks of an exercise, read as they stand: to import them takes a second."""
    file = exercise.chapter.tests / "test_exercises.py"
    source = file.read_text(encoding="utf-8") if file.exists() else ""
    name, id = terminal.title(exercise), exercise.id
    path = terminal.shown_path(exercise)
    for check in re.finditer(r"^def test_(\w+)\(([^)]*)", source, re.MULTILINE):
        if re.search(rf"\b{exercise.name}\b", check[2]):
            body = (
                f"- **A check of:** exercise {name}, `{path}`\n"
                f"- **What to do:** `{LEARN} hint {id}`\n"
                f"- **Check it:** `{LEARN} check {id}`"
            )
            yield Entry("checks", "", check[1].replace("_", " "), body, ())


def find_number(number: int, entries: Sequence[Entry]) -> list[Entry]:
    """A status or a close code; one of its own before the range that holds it."""
    fitting = [entry for entry in entries if entry.takes(number)]
    return sorted(fitting, key=lambda entry: "-" in entry.id)[:1]


def by_text(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries whose texts a pasted error holds, in the order of their last times.

    An entry is left out where another's text holds its own: the longer one says more.
    """
    said = f" {plain_words(text)} "
    spans = _spans(said, entries, " ")
    if not spans:  # it may have been wrapped in the middle of a word
        spans = _spans(said.replace(" ", ""), entries, "")
    found: dict[str, Entry] = {}
    for start, end, entry in sorted(spans, key=lambda span: span[:2]):
        inside = any(
            s <= start and end <= e and e - s > end - start
            for s, e, other in spans
            if other is not entry
        )
        if not inside:
            found.pop(entry.name, None)
            found[entry.name] = entry
    known = [entry for entry in found.values() if entry.title not in ABOVE_ALL]
    return known or list(found.values())


def _spans(
    said: str, entries: Sequence[Entry], blank: str
) -> list[tuple[int, int, Entry]]:
    """Where each entry's texts stand in what was said, `blank` parting its words."""
    spans: list[tuple[int, int, Entry]] = []
    for entry in entries:
        for text in entry.texts:
            parts = [plain_words(part) for part in text.split("…")]
            if not blank and len("".join(parts)) < 16:
                continue  # short ones stand in many a word
            words = [part.replace(" ", blank) for part in parts if part]
            gap = f"{blank}.{{0,120}}?{blank}" if blank else ".{0,100}?"
            pattern = blank + gap.join(map(re.escape, words)) + blank
            spans += [(*m.span(), entry) for m in re.finditer(pattern, said)]
    return spans


def in_full(text: str, entries: Sequence[Entry]) -> str:
    """A text in which a bare name of an error, at a line's begin, is the dotted one.

    Notebooks print `JSONDecodeError: ...`, and people ask for `CancelledError`. What
    follows the name may itself be known, and then it says more.
    """
    texts = [text for entry in entries for text in entry.texts]
    dotted = [text for text in texts if re.fullmatch(r"[\w.]+\.[A-Z]\w+", text)]
    names = {text.rpartition(".")[2].casefold(): text for text in reversed(dotted)}

    @cache
    def known(rest: str) -> bool:
        return bool(by_text(rest, entries))

    def whole(line: re.Match[str]) -> str:
        name = names.get(line["name"].casefold())
        past = line.start() < len(text) - MOST_BY_NAME
        if name is None or past or known(line["rest"]):
            return line[0]
        return line["before"] + name + line["rest"]

    return BARE_NAME.sub(whole, text)


def by_title(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries with just this title, or with this as one of its parts."""
    asked = plain_words(text)
    return [
        entry
        for entry in entries
        if asked and asked in map(plain_words, (entry.title, *entry.title.split(",")))
    ]


def by_codes(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries of the close codes and statuses that a longer text speaks of."""
    found: dict[str, Entry] = {}
    for match in CODE_IN_TEXT.finditer(ESCAPES.sub("", text)):
        for entry in find_number(int(match["code"] or match["status"]), entries):
            found.setdefault(entry.id, entry)
    return list(found.values())


def by_words(text: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that have all these words, those with them in the title first."""
    words = plain_words(text).split()
    asked = [word for word in words if word not in NOISE] or words
    if not 0 < len(asked) <= LOOKED_FOR:
        return []

    def has(entry_words: set[str]) -> bool:
        return all(any(w.startswith(a) for w in entry_words) for a in asked)

    def worth(entry: Entry) -> bool:
        return not has(set(plain_words(entry.name).split()))

    return sorted((e for e in entries if has(e.words)), key=worth)


@dataclass(frozen=True)
class Findings:
    """What fits: entries to show whole, others to name."""

    whole: Sequence[Entry] = ()
    named: Sequence[Entry] = ()


def find(text: str, entries: Sequence[Entry], root: Path = ROOT) -> Findings:
    """What fits a number, a misconception, a check, a pasted error or a word."""
    text = ESCAPES.sub("", text[-MOST:])
    numbered = by_number(text, entries)
    if numbered is not None:
        return Findings(numbered)
    checks = by_check(text, root)
    if checks:
        return Findings(checks)
    whole = by_text(in_full(text, entries), entries)
    codes = [e for e in by_codes(text, entries) if e not in whole]
    if whole:
        return Findings(whole[-IN_FULL:], [*whole[-IN_FULL - 1 :: -1], *codes])
    if codes:
        return Findings(codes[:IN_FULL], codes[IN_FULL:])
    fitting = by_title(text, entries) or by_words(text, entries)
    return (
        Findings(tuple(fitting)) if len(fitting) == 1 else Findings((), tuple(fitting))
    )


# Showing


def styled(markdown: str) -> Text:
    """Inline Markdown as a terminal shows it; code is not broken at its blanks."""
    text, last = Text(), 0
    for match in INLINE.finditer(markdown):
        text.append(markdown[last : match.start()])
        if match["code"]:
            glue = terminal.GLUE if len(match["code"]) <= 28 else " "
            text.append(match["code"].replace(" ", glue), "cyan")
        else:
            text.append(match["bold"] or match["link"], "bold")
        last = match.end()
    text.append(markdown[last:])
    return text


def wrapped(text: Text, width: int) -> Iterator[Text]:
    """The lines of a text of this many columns."""
    console = Console(width=width)
    for line in text.wrap(console, width):
        line.rstrip()
        line.plain = line.plain.replace(terminal.GLUE, " ")
        yield line


def show_entry(entry: Entry, width: int) -> terminal.Lines:
    """An entry: its title, its texts, its rows."""
    lines = [*wrapped(Text(entry.name, "bold"), width), Text()]
    heading = plain_words(entry.title)
    texts = [text for text in entry.texts if plain_words(text) != heading]
    for text in texts:
        lines += [
            Text.assemble("  ", p) for p in wrapped(Text(text, "cyan"), width - 4)
        ]
    if texts:
        lines.append(Text())
    for label, words in entry.rows:
        room = LABEL if label else 2
        for n, part in enumerate(wrapped(styled(words), max(20, width - room))):
            head = f"  {label}" if n == 0 and label else ""
            lines.append(Text.assemble((f"{head:{room}}", "dim"), part))
    return lines


def show_names(entries: Sequence[Entry], width: int) -> terminal.Lines:
    """What to ask for, a line each."""
    lines: terminal.Lines = []
    for entry in entries[:LISTED]:
        row = Text.assemble("  ", (f"{entry.id or 'error':11}", "bold"), entry.title)
        row.truncate(width, overflow="ellipsis")
        lines.append(row)
    if len(entries) > LISTED:
        lines.append(Text(f"  and {len(entries) - LISTED} more"))
    return lines


def show(findings: Findings, width: int) -> terminal.Lines:
    """All that was found."""
    lines: terminal.Lines = []
    for entry in findings.whole:
        lines += [*([Text()] if lines else []), *show_entry(entry, width)]
    if findings.named:
        head = "It also speaks of:" if lines else "This fits:"
        lines += [*([Text()] if lines else []), Text(head)]
        lines += show_names(findings.named, width)
    known = {entry.id for entry in findings.whole}
    told = " ".join(entry.body for entry in findings.whole)
    more = [id for id in re.findall(r"\[(M\d\d)\]", told) if id not in known]
    example = more[0] if more else _first_name(findings)
    if example:
        lines += [Text(), Text(f"More: {LEARN} explain {example}")]
    return lines


def _first_name(findings: Findings) -> str:
    named = [entry.id for entry in findings.named if entry.id]
    return named[0] if named else ""


def overview(entries: Sequence[Entry], width: int) -> terminal.Lines:
    """What can be asked for."""
    ways = (
        ("1006", "a close code: who sends it, and what it means here"),
        ("403", "the answer to a handshake that was refused"),
        ("M20", "a misconception: symptom, cause, what to do"),
        ("'KeyError: ...'", "an error: its text, or a whole traceback"),
        ("'it answers ...'", "the name of a check: whose it is, where its hints are"),
        ("-", "the same, from standard input"),
        ("ping", "a word: what speaks of it"),
    )
    lines = [Text(f"This can be asked for, by {LEARN} explain ..."), Text()]
    lines += [Text.assemble("  ", (f"{way:17}", "bold"), words) for way, words in ways]
    lines.append(Text())
    for page, what in PAGES.items():
        ids = [e.id for e in entries if e.page == page]
        numbers = ", ".join(ids) if page in ("close-codes", "statuses") else ""
        count = f"{len(ids)} {what}, docs/{page}.md"
        said = f"{count}: {numbers}" if numbers else count
        lines += [Text(line) for line in terminal.wrap(said, width)]
    return lines


def nothing(text: str, misconceptions: int) -> str:
    """The sentence about what is on no page."""
    came = terminal.printable(" ".join(text.split()))
    came = f"{came[:50]}…" if len(came) > 50 else came
    if not came:
        came = "an empty text"
    elif re.fullmatch(r"[Mm] ?\d{1,3}", came):
        came = f"{came}, and they go from M01 to M{misconceptions:02}"
    elif re.fullmatch(r"-?\d+", came):
        came = f"{came}, and close codes go from 0 to 65535"
    examples = "\n".join(f"  {LEARN} explain {example}" for example in EXAMPLES)
    return (
        "Expected was a close code, a status, a misconception, an error's text, the"
        f" name of a check or a word that docs/ knows; this came: {came}\n{examples}"
    )


def pasted() -> str:
    """What comes from standard input, however it is encoded."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-D"
        print(f"Paste the error, then {end} on a line of its own.", file=sys.stderr)
    return sys.stdin.buffer.read(MOST_READ).decode("utf-8", "replace")


def explain(words: Sequence[str], root: Path = ROOT) -> int:
    """Show what fits these words; returns the exit status.

    Args:
        words: of the command line; a single "-" is standard input, none asks what
            there is.
        root: the workbook's folder.
    """
    try:
        entries = read(root)
    except OSError as error:
        told = f"{error.filename} cannot be read.\nIts pages again: git checkout docs"
        print(told, file=sys.stderr)
        return NOTHING
    console = terminal.make_console()
    width = min(terminal.WIDTH, console.width)
    if not words:
        terminal.show(console, overview(entries, width))
        return FOUND
    text = pasted() if list(words) == ["-"] else " ".join(words)
    findings = find(text, entries, root)
    if not (findings.whole or findings.named):
        count = sum(entry.page == "misconceptions" for entry in entries)
        for line in nothing(text, count).splitlines():
            indent = "  " if line.startswith("  ") else ""
            for row in terminal.wrap(line, width):
                print(row if row.startswith(indent) else indent + row, file=sys.stderr)
        return NOTHING
    terminal.show(console, show(findings, width))
    return FOUND
