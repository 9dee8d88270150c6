"""A wire drawn as a sequence diagram: text for a terminal, SVG for a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from workbook.failure import name
from workbook.wire import Event, Wire

Style = Literal["head", "out", "in", "wrong", "quiet"]

SHOWN = 40
"""Events drawn in text; of a longer run, the first few and the last."""


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
    """All events, or the first and last of a long run with a gap between."""
    if len(events) <= limit:
        return list(events)
    first, last = limit // 4, limit - limit // 4
    return [*events[:first], Gap(len(events) - limit), *events[-last:]]


def text(wire: Wire, width: int = 80) -> list[Row]:
    """Draw a wire for a terminal.

    Args:
        wire: what happened.
        width: columns to use; at least 40 + 12 for each client but the first.

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
        self.events = wire.events
        self.clients = wire.clients
        self.start = self.events[0].time
        self.columns = {c: 9 + 12 * n for n, c in enumerate(self.clients)}
        self.server = width - 4

    def rows(self) -> list[Row]:
        found = [self._head()]
        for item in shown(self.events):
            if isinstance(item, Gap):
                found.append(Row(self._lines(f"⋮ {item.count:,} more"), "quiet"))
            else:
                found.extend(self._event(item))
        return found

    def _head(self) -> Row:
        line = " " * (self.server + 4)
        for client, column in self.columns.items():
            line = _put(line, max(0, column - len(client) // 2), client[:11])
        return Row(_put(line, self.server - 4, "server").rstrip(), "head")

    def _lines(self, note: str = "", column: int = 9) -> str:
        line = " " * (self.server + 4)
        for place in (*self.columns.values(), self.server):
            line = _put(line, place, "│")
        room = self.server - column - 4
        return _put(line, column + 3, note[:room]).rstrip() if note else line.rstrip()

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
        line = _put(self._lines(), 0, f"{event.time - self.start:7.3f}")
        line = _put(f"{line:{self.server + 1}}", column, arrow)
        if event.mark is None:
            return [Row(line, "out" if event.direction == "out" else "in")]
        return [
            Row(f"{line:{self.server + 2}}✘", "wrong"),
            Row(self._lines(_cut(event.mark, room - 4), column), "wrong"),
        ]


def _line(start: str, words: str, fill: str, room: int) -> str:
    """An arrow's shaft of `room - 1` columns with words on it."""
    label = f"{start} {_cut(words, room - len(start) - 4)} "
    return f"{label:{fill}<{room - 1}}"


def _put(line: str, column: int, what: str) -> str:
    return line[:column] + what + line[column + len(what) :]


def _cut(what: str, room: int) -> str:
    return what if len(what) <= room else what[: max(0, room - 1)] + "…"


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
        self.events = shown(wire.events)
        self.title = title
        self.start = wire.events[0].time if wire.events else 0.0
        self.columns = {c: 110 + 130 * n for n, c in enumerate(wire.clients)}
        self.server = max([110, *self.columns.values()]) + 490
        self.width = self.server + 60
        self.y = 52
        self.parts: list[str] = []

    def document(self) -> str:
        for item in self.events:
            self._draw(item)
        height = self.y + 14
        heads = [(x, client) for client, x in self.columns.items()]
        for x, head in (*heads, (self.server, "server")):
            self.parts.insert(0, f'<path d="M{x} 36V{height - 8}" stroke="{LINE}"/>')
            self._words(x, 24, head, WORDS, 'text-anchor="middle" font-weight="600"')
        ends = "".join(self._arrowhead(kind, ink) for kind, ink in INK.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{self.width}" '
            f'height="{height}" viewBox="0 0 {self.width} {height}" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">'
            f"<title>{escape(self.title)}</title><defs>{ends}</defs>"
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
        self.parts.append(
            f'<text x="{x}" y="{y}" fill="{ink}" {more}>{escape(words)}</text>'
        )

    def _draw(self, item: Event | Gap) -> None:
        if isinstance(item, Gap):
            self._words(130, self.y + 6, f"⋮ {item.count:,} more", QUIET)
            self.y += 26
            return
        kind = "wrong" if item.mark else "out" if item.direction == "out" else "in"
        ink, x = INK[kind], self.columns[item.client]
        start, end = (x, self.server) if item.direction == "out" else (self.server, x)
        label = _cut(name(item), LETTERS)
        if item.kind == "missing":
            label = "nothing came"
        elif item.kind == "end":
            label = "gone, without a close frame: 1006"
        self._words(x + 12, self.y, label, ink)
        time = f"{item.time - self.start:.3f} s"
        self._words(8, self.y + 10, time, QUIET, 'font-size="11"')
        dashes = ' stroke-dasharray="5 4"' if item.mark or item.kind == "end" else ""
        way = f"M{start} {self.y + 7}H{end + (2 if end < start else -2)}"
        self.parts.append(
            f'<path d="{way}" stroke="{ink}" stroke-width="1.6"{dashes} '
            f'marker-end="url(#{kind})"/>'
        )
        if item.mark:
            self._words(self.server + 14, self.y + 12, "✘", ink, 'font-size="16"')
            self._words(x + 12, self.y + 24, _cut(item.mark, LETTERS), ink)
            self.y += 18
        self.y += 32
