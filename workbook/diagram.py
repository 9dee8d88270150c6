"""A wire drawn as a sequence diagram: text for a terminal, SVG for a notebook."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Literal
from unicodedata import category, east_asian_width

from workbook.failure import name
from workbook.wire import OF_NO_CLIENT, Event, Wire

Style = Literal["head", "out", "in", "wrong", "quiet"]

SHOWN = 40
"""Events drawn; of a longer run the first few, those that are marked, and the last."""

AROUND = 4
"""Events drawn before and after one that is marked."""

CLIENTS = 6
"""Clients drawn; of more, those with a mark and the first."""

NARROW, WIDE, LABEL = 4, 12, 24
"""Columns between two clients, at least and at most, and for the last one's labels."""

BESIDE, ROOMY = 29, 72
"""Columns from the server to Redis, and those from which on there is room for it."""

PAUSE = 0.3
"""Seconds between two events from which on the time that passes is drawn, too."""

SKINS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What gives an emoji its colour, in some terminals by standing behind it."""


@dataclass(frozen=True)
class Row:
    """One line of the text diagram, and what it is, from its column `start` on."""

    text: str
    style: Style
    start: int = 0


@dataclass(frozen=True)
class Gap:
    """Events that are left out of a long run, or seconds in which nothing happened."""

    count: int = 0
    pause: float = 0.0

    def __str__(self) -> str:
        return f"{self.pause:.1f} s later" if self.pause else f"⋮ {self.count:,} more"


def shown(events: Sequence[Event], limit: int = SHOWN) -> list[Event | Gap]:
    """All events; of a long run the first, the last and the marked, gaps between."""
    if len(events) <= limit:
        return list(events)
    most = limit // 8
    marked = [n for n, event in enumerate(events) if event.mark is not None]
    around = [range(n - AROUND, n + AROUND + 1) for n in marked[:SHOWN]]
    keep = set(range(limit // 4)).union(*around[:most])
    keep |= {*[n for n, event in enumerate(events) if event.kind == "stall"][:most]}
    last = max(most, limit - len(keep))
    keep |= set(range(len(events) - last, len(events)))
    found: list[Event | Gap] = []
    before = -1
    for n in sorted(keep & set(range(len(events)))):
        if n - before > 1:
            found.append(Gap(n - before - 1))
        found.append(events[n])
        before = n
    return found


ANSWERS: dict[tuple[str, str, int | None], str] = {
    ("request", "response", 101): "101",
    ("ping", "pong", None): "pong",
}
"""Kinds of what a client sends and of the answer, and how that is told in short."""

AGAIN = "pings and pongs"

FEW = 2
"""Clients up to which there is room for each handshake, and for a ping alone."""


def folded(events: Sequence[Event], clients: int) -> list[Event]:
    """The same, a question and its answer in one: an accepted handshake, a ping.

    That is done where the answer comes next, and nothing is wrong with either; of one
    client or two, only where several pings follow one another.
    """
    found: list[Event] = []
    pairs: dict[int, list[Event]] = {}
    for event in events:
        asked = found[-1] if found else event
        answer = ANSWERS.get((asked.kind, event.kind, event.code))
        right = asked.direction == "out" and not (asked.mark or event.mark)
        if answer is None or asked.client != event.client or not right:
            found.append(event)
            continue
        both = replace(asked, direction="none", data=f"{name(asked)}, {answer}")
        pairs[both.number] = [asked, event]
        found[-1] = both
        before = found[-2] if len(found) > 1 else None
        if (
            before
            and before.client == both.client
            and before.data in (both.data, AGAIN)
        ):
            found[-2:] = [replace(before, data=AGAIN)]
    if clients > FEW:
        return found
    apart = [[e] if e.data == AGAIN else pairs.get(e.number, [e]) for e in found]
    return [event for events in apart for event in events]


def paused(items: Sequence[Event | Gap]) -> list[Event | Gap]:
    """The same with a gap wherever nothing has happened for a while."""
    found: list[Event | Gap] = []
    for item in items:
        last = found[-1] if found else None
        if isinstance(item, Event) and isinstance(last, Event):
            pause = item.time - last.time
            found += [Gap(pause=pause)] if pause >= PAUSE else []
        found.append(item)
    return found


def named(wire: Wire) -> Callable[[int], str]:
    """What stands before the doings of a process, by its number, where it matters."""
    several = len(set(wire.processes.values())) > 1
    return lambda number: f"@{number} " if several and number else ""


def drawn_clients(wire: Wire, most: int) -> list[str]:
    """Those for whom there is room, in their order: the marked ones, the first ones."""
    talk = [event for event in wire if event.kind not in OF_NO_CLIENT]
    marked = [event.client for event in talk if event.mark is not None]
    chosen = list(dict.fromkeys([*marked, *wire.clients]))[:most]
    return [client for client in wire.clients if client in chosen]


def and_more(absent: int) -> str:
    """How many clients there are for whom there is no room."""
    return f"⋮ and {absent:,} client{'s' * (absent > 1)} more"


def text(wire: Wire, width: int = 80, most: int | None = None) -> list[Row]:
    """Draw a wire for a terminal.

    Args:
        wire: what happened.
        width: columns to use, 40 or more.
        most: rows to use, FEWEST or more; as many as it takes, if nothing is said.

    Returns:
        The rows, none wider than `width`. What is wrong ends in ✘, and the row
        below it says what should have been. Where there are too many rows, those
        about what is wrong stay, the first, the last, and one in place of others.
    """
    if not wire.events:
        return [Row("(nothing went over the wire)", "quiet")]
    drawing = _Text(wire, width)
    rows = drawing.rows()
    return rows if most is None else drawing.fitted(rows, max(FEWEST, most))


FEWEST = 8
"""Rows of a drawing, so that what is wrong has what is around it."""


def foremost(rows: Sequence[Row]) -> list[int]:
    """The rows' numbers, those first that a short drawing can least do without.

    The heads, what is wrong, and from there what is around it, before above all, as
    it led there; the beginning and the end come with what is two rows away.
    """
    heads = [0, *[n for n in (1,) if rows[n : n + 1] and "@: process" in rows[n].text]]
    wrong = [n for n, row in enumerate(rows) if row.style == "wrong"]
    told = [n for n in wrong if "╳│" not in rows[n].text or "✘" in rows[n].text]
    order = [*heads, *told, *wrong]
    for away in range(1, len(rows)):
        if away > 1:
            order += [len(heads) + away - 2, len(rows) + 1 - away]
        order += [n for near in wrong for n in (near - away, near + away)]
    known = [n for n in dict.fromkeys(order) if 0 <= n < len(rows)]
    return list(dict.fromkeys([*known, *range(len(rows))]))


class _Text:
    """The columns of one drawing: time, clients from the left, server at the right.

    At the far right Redis, if there is one and there is room.
    """

    def __init__(self, wire: Wire, width: int) -> None:
        asked = any(event.kind == "redis" for event in wire)
        self.redis = width - 4 if asked and width >= ROOMY else 0
        self.away = False
        self.server = self.redis - BESIDE if self.redis else width - 4
        spare = self.server - 9 - LABEL + 2 * (self.redis > 0)
        clients = drawn_clients(wire, min(CLIENTS, 1 + max(0, spare) // NARROW))
        self.space = min(WIDE, spare // max(1, len(clients) - 1))
        self.columns = {c: 9 + self.space * n for n, c in enumerate(clients)}
        events = [event for event in wire if self._has_room(event)]
        self.events = folded(events, len(clients))
        self.start = wire.events[0].time
        self.absent = len(wire.clients) - len(clients)
        self.called = named(wire)
        self.processes = wire.processes

    def _has_room(self, event: Event) -> bool:
        if event.kind == "redis":
            return self.redis > 0
        return event.kind == "found" or event.client in self.columns

    def rows(self) -> list[Row]:
        found = [self._head(), *self._processes()]
        if self.absent:
            found.append(Row(self._lines(and_more(self.absent)), "quiet"))
        for item in paused(shown(self.events)):
            if isinstance(item, Gap):
                found.append(self._gap(item))
            elif item.kind == "redis":
                found.append(self._at_redis(item))
            elif item.kind == "found":
                found.extend(self._found(item))
            else:
                found.extend(self._event(item))
        return found

    def fitted(self, rows: Sequence[Row], most: int) -> list[Row]:
        """So many of the rows as there is room for, with a note for each hole."""
        if len(rows) <= most:
            return [*rows]
        kept: set[int] = set()
        for n in foremost(rows):
            more = {*kept, n}
            holes = sum(m + 1 not in more for m in more if m + 1 < len(rows))
            if len(more) + holes <= most:
                kept = more
        found: list[Row] = []
        before = -1
        for n in [*sorted(kept), len(rows)]:
            left = n - before - 1
            if left > 1:
                words = f"⋮ {left:,} rows left out"
                found.append(Row(self._lines(words), "quiet"))
            found += rows[n - (left == 1) : n + 1]
            before = n
        return found

    def _head(self) -> Row:
        line = self._over_columns({client: client for client in self.columns})
        line = f"{line}{' ' * (self.server - 4 - columns(line))}server"
        if self.redis:
            line = f"{line}{' ' * (self.redis - 3 - columns(line))}Redis"
        return Row(line, "head")

    def _over_columns(self, labels: Mapping[str, str]) -> str:
        line = ""
        room = self.space - 1 if len(self.columns) > 1 else LABEL
        for client, column in self.columns.items():
            label = cut(labels[client], room)
            line += " " * (column - columns(label) // 2 - columns(line)) + label
        return line

    def _processes(self) -> list[Row]:
        """Under the clients, by which process each is served, if there are several."""
        if not self.called(1):
            return []
        served = {c: self.called(self.processes.get(c, 0)) for c in self.columns}
        line = self._over_columns({c: label.strip() for c, label in served.items()})
        note = "@: process"
        return [Row(f"{line}{' ' * (self.server - 6 - columns(line))}{note}", "quiet")]

    def _lines(self, note: str = "", column: int = 9, life: str = "│") -> str:
        line = " " * (max(self.redis, self.server + 3) + 1)
        for place in (*self.columns.values(), self.server):
            line = _put(line, place, life)
        if self.redis:
            line = _put(line, self.redis, "┊" if self.away else life)
        label = f" {cut(note, self.server - column - 5)} "
        return (_put(line, column + 2, label) if note else line).rstrip()

    def _gap(self, gap: Gap) -> Row:
        return Row(self._lines(str(gap), life="┊" if gap.pause else "│"), "quiet")

    def _timed(self, event: Event, column: int, arrow: str) -> str:
        """The row of an event, its arrow from this column on."""
        time = event.time - self.start
        digits = 3 if time < 1000 else 0
        line = _put(self._lines(), 0, f"{time:7.{digits}f}")
        return _put(f"{line:{self.server + 1}}", column, arrow)

    def _at_redis(self, event: Event) -> Row:
        room = self.redis - self.server - 1
        if event.direction == "none":
            self.away = self.away if event.code is None else event.code == 0
            note = cut(name(event), room - 1)
            note = f"{' ' * (room - 1 - columns(note))}{note}"
            mark = "╳" if event.code == 0 else "│"
            line = self._timed(event, self.server + 1, f"{note} {mark}")
            return Row(line, "wrong" if event.code == 0 else "in", self.server + 1)
        end = "╳" if event.mark else "▶" if event.direction == "out" else "◀"
        words = f"{self.called(int(event.client or 0))}{name(event)}"
        shaft = _line("─", brief(words, room - 5), "─", room)
        arrow = f"├{shaft}{end}│" if event.direction == "out" else f"│{end}{shaft}┤"
        line = self._timed(event, self.server, arrow)
        style = "out" if event.direction == "out" else "in"
        return Row(line, "wrong" if event.mark else style, self.server)

    def _found(self, event: Event) -> list[Row]:
        """What was found at the server: beside its line, in two rows at most."""
        room = self.server - 12
        words = [f" {part} " for part in halves(name(event), room)]
        starts = [self.server - columns(part) for part in words]
        line = self._timed(event, starts[0], f"{words[0]}╪")
        found = [Row(f"{line} ✘", "wrong", starts[0] + 1)]
        for start, part in zip(starts[1:], words[1:], strict=True):
            found.append(Row(_put(self._lines(), start, part), "wrong", start + 1))
        return found

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
            case "stall", _:
                arrow = f"╪ {cut(name(event), room - 3)} "
            case _, "none":
                arrow = f"│◀{_line('─', str(event.data), '─', room - 1)}▶│"
            case _, "out":
                arrow = f"├{_line('─', name(event), '─', room)}▶│"
            case _:
                arrow = f"│◀{_line('─', name(event), '─', room)}┤"
        line = self._timed(event, column, arrow)
        if event.mark is None:
            return [Row(line, "in" if event.direction == "in" else "out", column)]
        # Where it is too long for its place, it begins further to the left.
        found = [Row(f"{line} ✘", "wrong", column)]
        for note in event.mark.split("; "):
            start = min(column, max(9, self.server - 5 - columns(cut(note, 60))))
            found.append(Row(self._lines(note, start), "wrong", start + 2))
        return found


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


def squeeze(what: str, room: int) -> str:
    """As `cut`, but in the middle: of what is published, the end tells most."""
    shown = cut(what[:CUT] + what[CUT:][-CUT:], 20 * CUT)
    left, right = shown[: len(shown) // 3], shown[len(shown) // 3 :]
    if columns(shown) <= room:
        return shown
    while columns(left) + columns(right) >= room and right:
        left, right = (left[:-1], right) if len(left) > room // 3 else (left, right[1:])
    return f"{left}…{right}"


def halves(what: str, room: int) -> list[str]:
    """A text as it is, or in two parts, each of `room` columns at most."""
    if columns(cut(what, 20 * CUT)) <= room:
        return [cut(what, room)]
    end = what.rfind(" ", room // 2, room + 1)
    end = room if end < 0 else end
    return [cut(what[:end], room), cut(what[end:].strip(), room)]


def brief(what: str, room: int) -> str:
    """As `squeeze`, of what goes to Redis or comes from there: where it is too long,
    what is said gets shorter before the channel does."""
    channel, quoted, said = what.partition(' "')
    if not quoted:
        return squeeze(what, room)
    channel = squeeze(channel, room - len(' "…"'))
    said = squeeze(f'"{said}', room - 1 - columns(channel))
    return f"{channel} {said}"


CUT = 100
"""Characters of a text that are looked at, from its beginning and from its end."""

LETTERS, BESIDES = 60, 46
"""Characters of a label that fit on an arrow of the picture, and on one to Redis."""

LETTER = 8
"""How wide a letter of the picture may be; in what a browser takes it is 7.8."""

INK = {"out": "#1d5fbf", "in": "#1b7f4b", "wrong": "#c0262d"}
PAPER, LINE, WORDS, QUIET = "#ffffff", "#b8bfc8", "#20262d", "#67707b"


def svg(
    wire: Wire, title: str = "What went over the wire", above: Sequence[str] = ()
) -> str:
    """Draw a wire as an SVG picture: it stands by itself and runs no script.

    Args:
        wire: what happened.
        title: what the picture shows, for who cannot see it.
        above: lines that stand over the drawing, the first in bold.

    Returns:
        The SVG document. Its words are real text; what is wrong is red, dashed
        and marked ✘.
    """
    return _Svg(wire, title, above).document()


def letters_above(wire: Wire) -> int:
    """How long a line over a wire's picture may be."""
    return (_Svg(wire, "", ()).width - 40) // LETTER


class _Svg:
    def __init__(self, wire: Wire, title: str, above: Sequence[str]) -> None:
        clients = drawn_clients(wire, CLIENTS)
        self.columns = {c: 110 + 130 * n for n, c in enumerate(clients)}
        drawn = self.columns
        events = [e for e in wire if e.client in drawn or e.kind in OF_NO_CLIENT]
        self.events = paused(shown(folded(events, len(clients))))
        self.title = title
        self.start = wire.events[0].time if wire.events else 0.0
        self.absent = len(wire.clients) - len(clients)
        self.server = max([110, *self.columns.values()]) + 490
        asked = any(event.kind == "redis" for event in events)
        self.redis = self.server + 400 if asked else 0
        self.width = max(self.server, self.redis) + 60
        self.called = named(wire)
        self.processes = wire.processes
        self.above, self.wire = above, wire
        self.top = 18 * len(above) + 22 * bool(above)
        self.y = self.top + 52
        self.away: list[int] = []  # where Redis ends to answer, and begins again
        self.parts: list[str] = []

    def document(self) -> str:
        if self.absent:
            self._note(and_more(self.absent))
        for item in self.events:
            if isinstance(item, Gap):
                self._gap(item)
            elif item.kind == "redis":
                self._at_redis(item)
            elif item.kind == "found":
                self._found(item)
            else:
                self._event(item)
        if not self.events:
            self._note("nothing went over the wire")
        height = self.y + 14
        heads = [(x, self._head(who)) for who, x in self.columns.items()]
        heads += [
            (self.server, f"server{' (@: process)' * bool(self.called(1))}"),
            *[(self.redis, "Redis")] * (self.redis > 0),
        ]
        for x, head in heads:
            self.parts.insert(0, self._life(x, height - 8))
            bold = 'text-anchor="middle" font-weight="600"'
            self._words(x, self.top + 24, head, WORDS, bold)
        room = letters_above(self.wire)
        for n, line in enumerate(self.above):
            bold = 'font-weight="600"' if n == 0 else 'xml:space="preserve"'
            self._words(20, 28 + 18 * n, cut(line, room), WORDS, bold)
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

    def _head(self, client: str) -> str:
        process = self.called(self.processes.get(client, 0))
        return cut(f"{cut(client, 11)} {process}".strip(), 15)

    def _life(self, x: int, end: int) -> str:
        """The line down from a head; that of Redis is broken while it is away."""
        start = self.top + 36
        ends = [start, *self.away, end] if x == self.redis else [start, end]
        parts = zip(ends[::2], ends[1::2], strict=False)
        drawn = "".join(f"M{x} {top}V{bottom}" for top, bottom in parts)
        return f'<path d="{drawn}" stroke="{LINE}"/>'

    def _gap(self, gap: Gap) -> None:
        """What is left out; or a pause, longer on paper the longer it was."""
        long = min(72, round(32 * gap.pause))
        self.y += long // 2
        self._note(f"⋮ {gap}" if gap.pause else str(gap))
        self.y += long - long // 2

    def _at_redis(self, event: Event) -> None:
        who = "" if event.direction == "none" else self.called(int(event.client or 0))
        words = brief(f"{who}{name(event)}", BESIDES)
        kind = "out" if event.direction == "out" else "in"
        kind = "wrong" if event.mark else kind
        if event.direction == "none":
            if event.code is not None and event.code == len(self.away) % 2:
                self.away.append(self.y + 7)
            self._words(self.redis - 12, self.y + 11, words, WORDS, 'text-anchor="end"')
            sign = "╳" if event.code == 0 else "•"
            self._words(self.redis, self.y + 11, sign, WORDS, 'text-anchor="middle"')
        else:
            self._words(self.server + 14, self.y - 1, words, INK[kind])
            self._shaft(kind, self.server, self.redis, event)
        self._clock(event)
        self.y += 32

    def _clock(self, event: Event) -> None:
        time = f"{event.time - self.start:.3f} s"
        self._words(72, self.y + 11, time, QUIET, 'font-size="11" text-anchor="end"')

    def _arrowhead(self, kind: str, ink: str) -> str:
        return (
            f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" '
            'markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
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

    def _found(self, event: Event) -> None:
        """What was found at the server: beside its line, and no arrow."""
        ink, end = INK["wrong"], 'text-anchor="end"'
        parts = halves(name(event), LETTERS)
        for n, part in enumerate(parts):
            self._words(self.server - 14, self.y + 11 + 18 * n, part, ink, end)
        self._words(self.server, self.y + 11, "■", ink, 'text-anchor="middle"')
        self._words(self.server + 14, self.y + 12, "✘", ink, 'font-size="16"')
        self._clock(event)
        self.y += 18 * len(parts) + 14

    def _event(self, event: Event) -> None:
        kind = "wrong" if event.mark else "in" if event.direction == "in" else "out"
        ink, x = INK[kind], self.columns[event.client]
        words = squeeze(self._label(event), LETTERS)
        if event.kind == "stall":
            self._words(x, self.y + 11, "■", ink, 'text-anchor="middle"')
            self._words(x + 14, self.y + 11, words, ink)
        else:
            self._words(x + 14, self.y - 1, words, ink)
            self._shaft(kind, x, self.server, event)
        self._clock(event)
        if event.mark:
            self._words(self.server + 14, self.y + 12, "✘", ink, 'font-size="16"')
            for note in event.mark.split("; "):
                self._words(x + 14, self.y + 24, cut(note, LETTERS), ink)
                self.y += 18
        self.y += 32

    def _label(self, event: Event) -> str:
        if event.kind == "missing":
            return "nothing came"
        if event.kind == "end" and event.direction == "out":
            return "vanishes, without a close frame"
        if event.kind == "end":
            return "gone, without a close frame: 1006"
        folded = event.direction == "none" and event.kind != "stall"
        return str(event.data) if folded else name(event)

    def _shaft(self, kind: str, left: int, right: int, event: Event) -> None:
        start, end = (right, left) if event.direction == "in" else (left, right)
        end += 2 if end < start else -2
        broken = kind == "wrong" or event.kind == "end" or event.mark is not None
        dashes = ' stroke-dasharray="5 4"' if broken else ""
        cut_off = event.kind == "end" or (event.kind == "redis" and bool(event.mark))
        head = f' marker-end="url(#{kind})"'
        if event.kind == "missing" or cut_off:
            head = ""
        if cut_off:
            x = end + (4 if end < start else -14)
            self.parts.append(
                f'<path d="M{x} {self.y + 2}l10 10m0 -10l-10 10" fill="none" '
                f'stroke="{INK[kind]}" stroke-width="1.6"/>'
            )
        if event.direction == "none" and event.kind != "missing":
            head += f' marker-start="url(#{kind})"'
            start += 2
        self.parts.append(
            f'<path d="M{start} {self.y + 7}H{end}" stroke="{INK[kind]}" '
            f'stroke-width="1.6"{dashes}{head}/>'
        )
