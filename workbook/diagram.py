"""A wire drawn as a sequence diagram: text for a terminal, SVG for a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from unicodedata import category, east_asian_width

from workbook.failure import name
from workbook.wire import Event, Wire

Style = Literal["head", "out", "in", "wrong", "quiet"]

SHOWN = 40
"""Events drawn; of a longer run the first few, those that are marked, and the last."""

AROUND = 4
"""Events drawn before and after one that is marked."""

CLIENTS = 6
"""Clients drawn; of more, those with a mark and the first."""

NARROW, WIDE, LABEL = 4, 12, 24
"""Columns between two clients, at least and at most, and for the last one's labels."""


SKINS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What gives an emoji its colour, in some terminals by standing behind it."""


@dataclass(frozen=True)
class Row:
    """One line of the text diagram, and what it is."""

    text: str
    style: Style


@dataclass(frozen=True)
class Gap:
    """Events that are left out of a long run."""

    count: int


def shown(events: Sequence[Event], limit: int = SHOWN) -> list[Event | Gap]:
    """All events; of a long run the first, the last and the marked, gaps between."""
    if len(events) <= limit:
        return list(events)
    marked = [n for n, event in enumerate(events) if event.mark is not None]
    around = [range(n - AROUND, n + AROUND + 1) for n in marked[:SHOWN]]
    keep = set(range(limit // 4)).union(*around[: limit // 8])
    last = max(limit // 8, limit - len(keep))
    keep |= set(range(len(events) - last, len(events)))
    found: list[Event | Gap] = []
    before = -1
    for n in sorted(keep & set(range(len(events)))):
        if n - before > 1:
            found.append(Gap(n - before - 1))
        found.append(events[n])
        before = n
    return found


def drawn_clients(wire: Wire, most: int) -> list[str]:
    """Those for whom there is room, in their order: the marked ones, the first ones."""
    marked = [event.client for event in wire if event.mark is not None]
    chosen = list(dict.fromkeys([*marked, *wire.clients]))[:most]
    return [client for client in wire.clients if client in chosen]


def text(wire: Wire, width: int = 80) -> list[Row]:
    """Draw a wire for a terminal.

    Args:
        wire: what happened.
        width: columns to use, 40 or more.

    Returns:
        The rows, none wider than `width`. What is wrong ends in ✘, and the row
        below it says what should have been.
    """
    if not wire.events:
        return [Row("(nothing went over the wire)", "quiet")]
    return _Text(wire, width).rows()


class _Text:
    """The columns of one drawing: time, clients from the left, server at the right."""

    def __init__(self, wire: Wire, width: int) -> None:
        self.server = width - 4
        spare = self.server - 9 - LABEL
        clients = drawn_clients(wire, min(CLIENTS, 1 + max(0, spare) // NARROW))
        self.space = min(WIDE, spare // max(1, len(clients) - 1))
        self.columns = {c: 9 + self.space * n for n, c in enumerate(clients)}
        self.events = [event for event in wire if event.client in self.columns]
        self.start = wire.events[0].time
        self.absent = len(wire.clients) - len(clients)

    def rows(self) -> list[Row]:
        found = [self._head()]
        if self.absent:
            found.append(
                Row(self._lines(f"⋮ and {self.absent:,} clients more"), "quiet")
            )
        for item in shown(self.events):
            if isinstance(item, Gap):
                found.append(Row(self._lines(f"⋮ {item.count:,} more"), "quiet"))
            else:
                found.extend(self._event(item))
        return found

    def _head(self) -> Row:
        line = ""
        for client, column in self.columns.items():
            label = cut(client, self.space - 1 if len(self.columns) > 1 else LABEL)
            line += " " * (column - columns(label) // 2 - columns(line)) + label
        line += " " * (self.server - 4 - columns(line))
        return Row(f"{line}server", "head")

    def _lines(self, note: str = "", column: int = 9) -> str:
        line = " " * (self.server + 4)
        for place in (*self.columns.values(), self.server):
            line = _put(line, place, "│")
        label = f" {cut(note, self.server - column - 5)} "
        return _put(line, column + 2, label).rstrip() if note else line.rstrip()

    def _event(self, event: Event) -> list[Row]:
        column = self.columns[event.client]
        room = self.server - column - 1
        match event.kind, event.direction:
            case "missing", _:
                arrow = f"│{_line('╌╌', 'nothing came', '╌', room + 1)}│"
            case "end", "out":
                arrow = f"├{_line('─', 'vanishes, without a close', '─', room)}╳│"
            case "end", _:
                arrow = f"│╳{_line('─', 'gone, without a close: 1006', '─', room)}┤"
            case _, "out":
                arrow = f"├{_line('─', name(event), '─', room)}▶│"
            case _:
                arrow = f"│◀{_line('─', name(event), '─', room)}┤"
        time = event.time - self.start
        digits = 3 if time < 1000 else 0
        line = _put(self._lines(), 0, f"{time:7.{digits}f}")
        line = _put(f"{line:{self.server + 1}}", column, arrow)
        if event.mark is None:
            return [Row(line, "out" if event.direction == "out" else "in")]
        return [
            Row(f"{line} ✘", "wrong"),
            Row(self._lines(event.mark, column), "wrong"),
        ]


def _line(start: str, words: str, fill: str, room: int) -> str:
    """An arrow's shaft of `room - 1` columns with words on it."""
    label = f"{start} {cut(words, room - len(start) - 4)} "
    return label + fill * (room - 1 - columns(label))


def _put(line: str, column: int, what: str) -> str:
    """Put a text over a line, of which one character is one column from there on."""
    return line[:column] + what + line[column + columns(what) :]


def columns(what: str) -> int:
    """How many columns of a terminal a text takes, where it is shown as it is."""
    return sum(2 if east_asian_width(letter) in "FW" else 1 for letter in what)


def cut(what: str, room: int) -> str:
    """A text that takes `room` columns at most, and has nothing in it that is not seen.

    What takes no column of its own is shown as an escape: control characters, which
    a picture could not hold, lone surrogates, what changes the letter before it.
    """
    letters: list[str] = []
    left = room
    for letter in what[: room + 1]:
        changes = category(letter) in ("Mn", "Me") or letter in SKINS
        unseen = changes or not letter.isprintable()
        shown = letter.encode("unicode_escape").decode() if unseen else letter
        letters.append(shown)
        left -= columns(shown)
    if left >= 0 and len(what) <= room:
        return "".join(letters)
    while letters and left < 1:
        left += columns(letters.pop())
    return "".join(letters).rstrip("…") + "…" if room > 0 else ""


LETTERS = 60
"""Characters of a label that fit on an arrow of the picture."""

INK = {"out": "#1d5fbf", "in": "#1b7f4b", "wrong": "#c0262d"}
PAPER, LINE, WORDS, QUIET = "#ffffff", "#b8bfc8", "#20262d", "#67707b"


def svg(wire: Wire, title: str = "What went over the wire") -> str:
    """Draw a wire as an SVG picture: it stands by itself and runs no script.

    Args:
        wire: what happened.
        title: what the picture shows, for who cannot see it.

    Returns:
        The SVG document. Its words are real text; what is wrong is red, dashed
        and marked ✘.
    """
    return _Svg(wire, title).document()


class _Svg:
    def __init__(self, wire: Wire, title: str) -> None:
        clients = drawn_clients(wire, CLIENTS)
        self.columns = {c: 110 + 130 * n for n, c in enumerate(clients)}
        events = [event for event in wire if event.client in self.columns]
        self.events = shown(events)
        self.title = title
        self.start = wire.events[0].time if wire.events else 0.0
        self.absent = len(wire.clients) - len(clients)
        self.server = max([110, *self.columns.values()]) + 490
        self.width = self.server + 60
        self.y = 52
        self.parts: list[str] = []

    def document(self) -> str:
        if self.absent:
            self._note(f"⋮ and {self.absent:,} clients more")
        for item in self.events:
            if isinstance(item, Gap):
                self._note(f"⋮ {item.count:,} more")
            else:
                self._event(item)
        if not self.events:
            self._note("nothing went over the wire")
        height = self.y + 14
        heads = [(x, cut(client, 15)) for client, x in self.columns.items()]
        for x, head in (*heads, (self.server, "server")):
            self.parts.insert(0, f'<path d="M{x} 36V{height - 8}" stroke="{LINE}"/>')
            self._words(x, 24, head, WORDS, 'text-anchor="middle" font-weight="600"')
        ends = "".join(self._arrowhead(kind, ink) for kind, ink in INK.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{self.width}" '
            f'height="{height}" viewBox="0 0 {self.width} {height}" '
            'style="max-width: 100%; height: auto" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">'
            f"<title>{escape(cut(self.title, 200))}</title><defs>{ends}</defs>"
            f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>'
            f"{''.join(self.parts)}</svg>"
        )

    def _arrowhead(self, kind: str, ink: str) -> str:
        return (
            f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="8" markerHeight="8" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{ink}"/></marker>'
        )

    def _words(self, x: int, y: int, words: str, ink: str, more: str = "") -> None:
        # Paper around the letters, so that no line goes through them.
        halo = f'paint-order="stroke" stroke="{PAPER}" stroke-width="5"'
        self.parts.append(
            f'<text x="{x}" y="{y}" fill="{ink}" {halo} {more}>{escape(words)}</text>'
        )

    def _note(self, words: str) -> None:
        self._words(124, self.y + 6, words, QUIET)
        self.y += 28

    def _event(self, event: Event) -> None:
        kind = "wrong" if event.mark else "out" if event.direction == "out" else "in"
        ink, x = INK[kind], self.columns[event.client]
        self._words(x + 14, self.y - 1, cut(self._label(event), LETTERS), ink)
        self._arrow(event, kind, x)
        time = f"{event.time - self.start:.3f} s"
        self._words(72, self.y + 11, time, QUIET, 'font-size="11" text-anchor="end"')
        if event.mark:
            self._words(self.server + 14, self.y + 12, "✘", ink, 'font-size="16"')
            self._words(x + 14, self.y + 24, cut(event.mark, LETTERS), ink)
            self.y += 18
        self.y += 32

    def _label(self, event: Event) -> str:
        if event.kind == "missing":
            return "nothing came"
        if event.kind == "end" and event.direction == "out":
            return "vanishes, without a close frame"
        if event.kind == "end":
            return "gone, without a close frame: 1006"
        return name(event)

    def _arrow(self, event: Event, kind: str, x: int) -> None:
        start, end = (x, self.server) if event.direction == "out" else (self.server, x)
        end += 2 if end < start else -2
        dashes = (
            ' stroke-dasharray="5 4"' if kind == "wrong" or event.kind == "end" else ""
        )
        head = "" if event.kind == "missing" else f' marker-end="url(#{kind})"'
        self.parts.append(
            f'<path d="M{start} {self.y + 7}H{end}" stroke="{INK[kind]}" '
            f'stroke-width="1.6"{dashes}{head}/>'
        )
