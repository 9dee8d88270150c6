"""A wire drawn: nothing sticks out, nothing is lost, nothing is taken for code."""

import random
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.steady import SteadyWire
from workbook import diagram
from workbook.diagram import Gap, brief, cut, shown, squeeze, svg, text
from workbook.wire import Direction, Event, Kind, Wire

ALPHABET = (
    "ab \t\n\r\x00\x1b\x7f\u200b\u202e\ud800äß✘│你好ｱ한👋🏽👩‍🚀e\u0301\ufe0f\"'<>&]]>\\"
)
"""Letters of no, one and two columns, and those that mean something to XML."""

KINDS: Sequence[tuple[Direction, Kind]] = (
    ("out", "request"),
    ("in", "response"),
    ("out", "text"),
    ("in", "text"),
    ("in", "binary"),
    ("out", "ping"),
    ("in", "pong"),
    ("in", "close"),
    ("out", "close"),
    ("in", "end"),
    ("out", "end"),
    ("in", "missing"),
    ("none", "stall"),
    ("none", "found"),
    ("out", "redis"),
    ("in", "redis"),
    ("none", "redis"),
)


def wire_of(*events: tuple[str, Direction, Kind, str | bytes | None]) -> Wire:
    wire = SteadyWire()
    for client, direction, kind, data in events:
        wire.record(client, direction, kind, data)
    return wire


def talk(client: str, count: int) -> Wire:
    return wire_of(*((client, "out", "text", f"m{n}") for n in range(count)))


def any_text(dice: random.Random, most: int = 90) -> str:
    return "".join(dice.choices(ALPHABET, k=dice.randrange(most)))


def any_wire(dice: random.Random, *, redis: bool = True) -> Wire:
    wire = SteadyWire(processes={"ab": 1, "": 2} if redis else {})
    clients = [any_text(dice, 20) for _ in range(dice.randrange(1, 12))]
    for _ in range(dice.randrange(1, 70)):
        direction, kind = dice.choice(KINDS if redis else KINDS[:-3])
        data: str | bytes = any_text(dice)
        if kind in ("binary", "ping", "pong"):
            data = dice.randbytes(dice.randrange(25))
        wire.record(
            dice.choice("012") if kind == "redis" else dice.choice(clients),
            direction,
            kind,
            data,
            dice.choice([None, 0, 1, 101, 403, 1000, 4000]),
            dice.choice([None, None, None, any_text(dice)]),
        )
    return wire


def words(picture: str) -> list[str]:
    """The texts of a picture, which must be well-formed XML."""
    root = ElementTree.fromstring(picture)
    return [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]


SVG = "{http://www.w3.org/2000/svg}"


def arrows(picture: str) -> list[str]:
    """What goes between two columns of a picture, from top to bottom, with its words.

    A shaft, whole or broken, has a head where something has come, x where it broke off.
    """
    root = ElementTree.fromstring(picture)
    texts = {
        (int(node.get("x", "")), int(node.get("y", ""))): node.text or ""
        for node in root.iter(f"{SVG}text")
    }
    heads = {x: words for (x, y), words in texts.items() if y == 24}
    paths = {node.get("d", ""): node for node in root.iter(f"{SVG}path")}
    found: list[tuple[int, str]] = []
    for path, node in paths.items():
        if between := re.fullmatch(r"M(\d+) (\d+)H(\d+)", path):
            start, y, end = map(int, between.groups())
            here, there = (min(heads, key=lambda x: abs(x - at)) for at in (start, end))
            line = "╌" if node.get("stroke-dasharray") else "─"
            tail = "<" if node.get("marker-start") else ""
            head = ">" if node.get("marker-end") else ""
            cross = f"M{end + (4 if end < start else -14)} {y - 5}l10 10m0 -10l-10 10"
            shaft = f"{tail}{line}{'x' if cross in paths else head}"
            if there < here:
                here, there = there, here
                shaft = shaft[::-1].translate(str.maketrans("<>", "><"))
            words = texts[here + 14, y - 8]
            found.append((y, f"{heads[here]} {shaft} {heads[there]}: {words}"))
    return [shaft for _, shaft in sorted(found)]


# In a terminal


@pytest.mark.parametrize("seed", range(25))
def test_no_row_is_wider_than_the_terminal(seed: int) -> None:
    dice = random.Random(seed)
    wire, width = any_wire(dice), dice.choice([40, 60, 80, 80, 120])

    rows = text(wire, width)

    assert max(cell_len(row.text) for row in rows) <= width
    assert all(letter.isprintable() for row in rows for letter in row.text)


@pytest.mark.parametrize("seed", range(25))
def test_the_lines_of_the_server_stand_in_one_column(seed: int) -> None:
    rows = text(any_wire(random.Random(seed), redis=False), 80)

    for row in rows[1:]:
        line = row.text.removesuffix(" ✘")
        assert cell_len(line) == 77
        assert line[-1] in "│┤╪"


def test_a_conversation_is_drawn_from_top_to_bottom() -> None:
    wire = wire_of(
        ("ana", "out", "request", "/ws"),
        ("ana", "in", "response", None),
        ("bo", "out", "text", "hi"),
        ("ana", "in", "binary", b"\x01"),
    )
    wire.mark(wire.record("bo", "in", "missing"), 'expected text "HI"')

    drawn = [" ".join(row.text[9:].strip("✘ ").split()) for row in text(wire)]
    drawn = [row.replace("─", "").replace("╌", "") for row in drawn]

    assert drawn[1:] == [
        "├ GET /ws ▶│",
        "│◀ HTTP 0 ┤",
        '│ ├ text "hi" ▶│',
        "│◀ binary, 1 byte: 01 ┤",
        "│ │ nothing came │",
        '│ │ expected text "HI" │',
    ]
    assert [row.text.endswith(" ✘") for row in text(wire)].index(True) == 5
    assert text(wire)[0].text.split() == ["ana", "bo", "server"]
    assert [row.style for row in text(wire)] == [
        "head",
        "out",
        "in",
        "out",
        "in",
        "wrong",
        "wrong",
    ]


def test_times_are_seconds_since_the_first_event() -> None:
    wire = SteadyWire()
    for time in (5.0, 5.25, 1006.0, 90_005.0):
        event = wire.record("ana", "out", "text", "x")
        wire._events[-1] = Event(time, "ana", "out", "text", "x", number=event.number)

    timed = [row.text[:8] for row in text(wire)[1:] if row.text[:8].strip()]
    assert timed == [
        "  0.000 ",
        "  0.250 ",
        "   1001 ",
        "  90000 ",
    ]


def test_an_empty_wire_says_so() -> None:
    assert [row.text for row in text(Wire())] == ["(nothing went over the wire)"]
    assert "nothing went over the wire" in words(svg(Wire()))


@pytest.mark.parametrize(
    ("clients", "drawn"), [(1, 1), (4, 4), (6, 6), (7, 6), (100, 6)]
)
def test_of_many_clients_some_are_drawn_and_all_are_counted(
    clients: int, drawn: int
) -> None:
    wire = wire_of(*((f"c{n}", "out", "request", "/ws") for n in range(clients)))

    rows = [row.text for row in text(wire)]

    assert len(rows[0].split()) == drawn + 1
    assert len([row for row in rows if "GET /ws" in row]) == drawn
    left = clients - drawn
    more = {0: [], 1: ["⋮ and 1 client more"]}.get(left, [f"⋮ and {left} clients more"])
    assert [row.strip("│ ") for row in rows if "⋮" in row] == more
    assert [word for word in words(svg(wire)) if "⋮" in word] == more
    assert len([word for word in words(svg(wire)) if word == "GET /ws"]) == drawn


def test_a_client_with_a_mark_is_drawn_before_the_first_ones() -> None:
    wire = wire_of(*((f"c{n}", "out", "request", "/ws") for n in range(100)))
    wire.mark(wire.record("c77", "in", "end"), "expected a close")

    assert "c77" in text(wire)[0].text
    assert "expected a close" in text(wire)[-1].text
    assert "c77" in words(svg(wire))


# Long runs


def test_a_run_that_fits_is_drawn_whole() -> None:
    assert [type(item) for item in shown(talk("ana", 40).events)] == [Event] * 40


@pytest.mark.parametrize("seed", range(25))
def test_of_a_long_run_the_ends_and_the_marks_are_drawn_and_the_rest_counted(
    seed: int,
) -> None:
    dice = random.Random(seed)
    count = dice.randrange(41, 400)
    wire = talk("ana", count)
    marks = sorted(dice.sample(range(count), dice.randrange(4)))
    for n in marks:
        wire.mark(wire.events[n], "wrong")

    items = shown(wire.events)

    events = [item for item in items if isinstance(item, Event)]
    numbers = [event.number for event in events]
    assert numbers == sorted(set(numbers))
    assert set(marks) <= set(numbers)
    assert {0, 1, count - 1, count - 2} <= set(numbers)
    assert len(events) <= 50
    at = 0  # every gap has the size of what is left out there
    for item in items:
        if isinstance(item, Gap):
            at += item.count
        else:
            assert item.number == at
            at += 1
    assert at == count


def test_a_run_of_nothing_but_marks_stays_short() -> None:
    wire = talk("ana", 5000)
    for event in wire.events:
        wire.mark(event, "late")

    assert len(shown(wire.events)) < 60
    assert len(text(wire)) < 120


@pytest.mark.parametrize("seed", range(25))
def test_of_too_many_rows_those_that_are_left_out_are_counted(seed: int) -> None:
    dice = random.Random(seed)
    wire, most = any_wire(dice), dice.randrange(diagram.FEWEST, 40)

    whole, fitted = text(wire), text(wire, most=most)

    assert len(fitted) <= max(most, diagram.FEWEST)
    at = 0
    for row in fitted:
        left = re.search(r"⋮ (\d+) rows left out", row.text)
        if left and row not in whole:
            at += int(left[1])
        else:
            assert row == whole[at]
            at += 1
    assert at == len(whole)


def test_what_is_wrong_stays_and_what_is_around_it() -> None:
    wire = talk("ana", 30)
    wire.mark(wire.events[20], "expected nothing")

    rows = " ".join(row.text for row in text(wire, most=10)[1:])

    assert re.findall(r'"m\d+"|left out|expected nothing', rows) == [
        *['"m0"', "left out", '"m18"', '"m19"', '"m20"', "expected nothing"],
        *['"m21"', "left out", '"m29"'],
    ]


def test_who_reads_nothing_is_said_also_of_a_long_run() -> None:
    wire = talk("ana", 30)
    wire.record("bo", "none", "stall")
    for number in range(60):
        wire.record("ana", "out", "text", f"n{number}")
    said = "reads nothing from here on"

    rows = [row.text for row in text(wire) if said in row.text]

    assert len(rows) == 1
    assert f"╪ {said}" in rows[0]
    assert rows[0].rstrip().endswith("│")  # no arrow: nothing got to the server
    assert said in words(svg(wire))
    assert Gap in {type(item) for item in shown(wire.events)}


# Words


@pytest.mark.parametrize(
    ("what", "room", "left"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("hello", 1, "…"),
        ("hello", 0, ""),
        ("", 5, ""),
        ("你好", 4, "你好"),
        ("你好", 3, "你…"),
        ("你好", 2, "…"),
        ("a\x00b", 6, r"a\x00b"),
        ("a\x00b", 5, r"a…"),
        ("e\u0301", 7, r"e\u0301"),
        ("ab……", 3, "ab…"),
    ],
)
def test_a_text_is_cut_by_its_columns(what: str, room: int, left: str) -> None:
    assert cut(what, room) == left
    assert cell_len(cut(what, room)) <= room


# As a picture


@pytest.mark.parametrize("seed", range(25))
def test_a_picture_is_well_formed_and_runs_nothing(seed: int) -> None:
    picture = svg(any_wire(random.Random(seed)), title='<script>"\x00\ud800&')

    root = ElementTree.fromstring(picture.encode())
    tags = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert tags <= {"svg", "title", "defs", "marker", "path", "rect", "text"}
    names = {name for node in root.iter() for name in node.attrib}
    assert not any(name.startswith("on") or "href" in name for name in names)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "").replace(
        "HTTP", ""
    )


def test_a_picture_shows_markup_as_the_text_that_it_is() -> None:
    wire = wire_of(("<b>&", "in", "text", "<img src=x onerror=alert(1)>"))

    assert 'text "<img src=x onerror=alert(1)>"' in words(svg(wire))
    assert "<b>&" in words(svg(wire))
    assert "<img" not in svg(wire)


def test_a_picture_has_a_title_and_room_for_every_event() -> None:
    wire = talk("ana", 30)
    wire.mark(wire.events[-1], "expected nothing")

    root = ElementTree.fromstring(svg(wire, "Ana talks"))

    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == "Ana talks"
    assert root.get("role") == "img"
    heights = [float(node.get("y", 0)) for node in root.iter() if node.get("y")]
    widths = [float(node.get("x", 0)) for node in root.iter() if node.get("x")]
    assert max(heights) < float(root.get("height", 0))
    assert max(widths) < float(root.get("width", 0))
    assert {"✘", "expected nothing"} <= set(words(svg(wire)))


def test_lines_over_a_picture_take_room_of_their_own() -> None:
    wire = talk("ana", 3)
    bare, headed = svg(wire), svg(wire, above=["1.1 double: <it>", "ana  got"])

    heights = [int(re.findall(r'height="(\d+)"', one)[0]) for one in (bare, headed)]

    assert words(headed)[-2:] == ["1.1 double: <it>", "ana  got"]
    added = heights[1] - heights[0]
    assert added > 36
    ys = [
        [int(y) for y in re.findall(r'<text x="\d+" y="(\d+)"', one)]
        for one in (bare, headed)
    ]
    assert ys[1][:-2] == [y + added for y in ys[0]]
    assert max(ys[1][-2:]) < min(ys[1][:-2])


@pytest.mark.parametrize("seed", range(5))
def test_what_stands_over_a_picture_is_as_wide_as_it_at_most(seed: int) -> None:
    wire = any_wire(random.Random(seed))
    line = "m" * diagram.letters_above(wire)

    picture = svg(wire, above=["1.1 double", line, f"{line}m"])

    assert words(picture)[-2:] == [line, f"{line[1:]}…"]
    width = int(re.findall(r'width="(\d+)"', picture)[0])
    assert 40 + len(line) * diagram.LETTER <= width


def test_what_is_wrong_is_not_told_by_its_colour_alone() -> None:
    wire = talk("ana", 1)
    right = svg(wire)
    wire.mark(wire.events[0], "expected nothing")
    wrong = svg(wire)

    assert "stroke-dasharray" not in right
    assert "stroke-dasharray" in wrong
    assert diagram.INK["wrong"] in wrong


# What was found, and went over no wire


def test_what_was_found_at_the_server_ends_the_drawing_and_is_marked() -> None:
    wire = talk("ana", 1)
    wire.record("", "none", "found", mark="a handler that still ran after 4 s")

    row = text(wire)[-1]

    assert " ".join(row.text[9:].split()) == "│ a handler that still ran after 4 s ╪ ✘"
    assert (row.style, row.text[row.start]) == ("wrong", "a")
    assert text(wire)[0].text.split() == ["ana", "server"]
    assert words(svg(wire)).count("ana") == 1
    assert {"a handler that still ran after 4 s", "■", "✘"} <= set(words(svg(wire)))
    assert arrows(svg(wire)) == ['ana ─> server: text "m0"']  # none from what was found


def test_what_was_found_takes_the_place_of_no_client() -> None:
    wire = wire_of(*((f"c{n}", "out", "request", "/ws") for n in range(7)))
    wire.record("", "none", "found", mark="a handler that still ran")

    assert len(text(wire)[0].text.split()) == diagram.CLIENTS + 1


def test_what_was_found_has_two_rows_where_it_needs_them() -> None:
    wire = two_processes()
    wire.record("", "none", "found", mark="no subscriptions, 4 s after Redis was back")

    rows = text(wire)[-2:]

    assert "no subscriptions, 4 s after Redis ╪" in rows[0].text
    assert [row.text.endswith("✘") for row in rows] == [True, False]
    assert rows[1].text.index(" was back │") + 10 == rows[0].text.index("╪")
    wire.record("", "none", "found", mark="m" * 200)
    assert sum(cell_len(row.text) - 8 for row in text(wire)[-2:]) < 2 * 80
    assert text(wire)[-1].text.count("…") == 1
    assert next(word for word in words(svg(wire)) if "mm" in word) == "m" * 60
    ys = [int(y) for y in re.findall(r' y="(\d+)"', svg(wire))]
    assert max(ys) < int(re.findall(r'height="(\d+)"', svg(wire))[0])


# With Redis, and with time


def at(wire: Wire, time: float) -> None:
    """Give the last event of a wire another time."""
    wire._events[-1] = replace(wire._events[-1], time=time)


def drawn(wire: Wire) -> list[str]:
    """The rows without their times, the arrows' shafts and the spaces between."""
    rows = [row.text[9:].replace("─", "").replace("╌", "") for row in text(wire)]
    return [" ".join(row.split()) for row in rows]


def two_processes() -> Wire:
    wire = SteadyWire(processes={"ana": 1, "bo": 2})
    wire.record("ana", "out", "text", "hi")
    wire.record("1", "out", "redis", 'PUBLISH chat "hi"')
    wire.record("2", "in", "redis", 'chat "hi"')
    wire.record("bo", "in", "text", "hi")
    return wire


def test_redis_has_a_column_and_each_process_its_number() -> None:
    assert drawn(two_processes())[1:] == [
        "1 @2 @: process",
        '├ text "hi" ▶│ │',
        '│ │ ├ @1 PUBLISH chat "hi" ▶│',
        '│ │ │◀ @2 chat "hi" ┤',
        '│ │◀ text "hi" ┤ │',
    ]
    assert text(two_processes())[0].text.split() == ["ana", "bo", "server", "Redis"]
    assert {"ana @1", "bo @2", "server (@: process)", "Redis"} <= set(
        words(svg(two_processes()))
    )
    assert arrows(svg(two_processes())) == [
        'ana @1 ─> server (@: process): text "hi"',
        'server (@: process) ─> Redis: @1 PUBLISH chat "hi"',
        'server (@: process) <─ Redis: @2 chat "hi"',
        'bo @2 <─ server (@: process): text "hi"',
    ]


def test_one_process_needs_no_number() -> None:
    wire = two_processes()
    wire.processes["bo"] = 1

    assert "@" not in "".join(drawn(wire))
    assert "@" not in svg(wire)


def test_where_redis_is_away_its_line_is_broken() -> None:
    wire = two_processes()
    wire.record("0", "none", "redis", "Redis is killed", 0)
    wire.record("ana", "out", "text", "lost")
    wire.record("1", "out", "redis", 'PUBLISH chat "lost"', mark="lost")
    wire.record("0", "none", "redis", "Redis is back", 1)

    assert drawn(wire)[6:] == [
        "│ │ │ Redis is killed ╳",
        '├ text "lost" ▶│ ┊',
        '│ │ ├ @1 PUBLISH chat "lost" ╳│',
        "│ │ │ Redis is back │",
    ]
    [redis] = [d for d in re.findall(r'<path d="([^"]*)"', svg(wire)) if "V" in d][:1]
    assert redis.count("M") == 2


def test_a_terminal_too_narrow_for_redis_shows_the_clients_alone() -> None:
    rows = [row.text for row in text(two_processes(), 60)]

    assert not [row for row in rows if "PUBLISH" in row or "Redis" in row]


def test_time_that_passes_is_drawn() -> None:
    wires = []
    for seconds in (0.01, 0.5, 1.5):
        wires.append(talk("ana", 2))
        at(wires[-1], wires[-1].events[0].time + seconds)
    heights = [int(re.findall(r'height="(\d+)"', svg(wire))[0]) for wire in wires]

    assert ["later" in " ".join(drawn(wire)) for wire in wires] == [False, True, True]
    assert "┊ 1.5 s later ┊" in drawn(wires[2])
    assert heights == sorted(set(heights))


def test_of_three_clients_a_handshake_takes_one_row() -> None:
    wire = SteadyWire()
    for client in ("ana", "bo", "cy"):
        wire.record(client, "out", "request", "/ws")
        wire.record(client, "in", "response", code=101)
    for _ in range(3):
        wire.record("cy", "out", "ping")
        wire.record("cy", "in", "pong")
    wire.record("ana", "out", "request", "/ws")
    wire.mark(wire.record("ana", "in", "response", code=101), "expected HTTP 403")

    assert drawn(wire)[1:] == [
        "│◀ GET /ws, 101 ▶│",
        "│ │◀ GET /ws, 101 ▶│",
        "│ │ │◀ GET /ws, 101 ▶│",
        "│ │ │◀ pings and pongs ▶│",
        "├ GET /ws ▶│",
        "│◀ HTTP 101 Switching Protocols ┤ ✘",
        "│ expected HTTP 403 │ │",
    ]
    assert arrows(svg(wire)) == [
        "ana <─> server: GET /ws, 101",
        "bo <─> server: GET /ws, 101",
        "cy <─> server: GET /ws, 101",
        "cy <─> server: pings and pongs",
        "ana ─> server: GET /ws",
        "ana <╌ server: HTTP 101 Switching Protocols",
    ]


def test_an_arrow_has_a_head_only_where_something_came() -> None:
    wire = wire_of(
        ("ana", "out", "text", "a"),
        ("ana", "out", "end", None),
        ("ana", "in", "end", None),
    )
    wire.record("ana", "in", "missing", mark="expected one text")
    wire.record("1", "out", "redis", "PUBLISH", mark="lost")

    assert arrows(svg(wire)) == [
        'ana ─> server: text "a"',
        "ana ╌x server: vanishes, without a close frame",
        "ana x╌ server: gone, without a close frame: 1006",
        "ana ╌ server: nothing came",
        "server ╌x Redis: PUBLISH",
    ]


def test_of_two_clients_pings_are_one_row_where_there_are_several() -> None:
    wire = SteadyWire()
    for client, times in (("ana", 3), ("bo", 1)):
        wire.record(client, "out", "request", "/ws")
        wire.record(client, "in", "response", code=101)
        for _ in range(times):
            wire.record(client, "out", "ping")
            wire.record(client, "in", "pong")

    assert drawn(wire)[1:] == [
        "├ GET /ws ▶│",
        "│◀ HTTP 101 Switching Protocols ┤",
        "│◀ pings and pongs ▶│",
        "│ ├ GET /ws ▶│",
        "│ │◀ HTTP 101 Switching Protocols ┤",
        "│ ├ ping ▶│",
        "│ │◀ pong ┤",
    ]
    assert [shaft.partition(": ")[2] for shaft in arrows(svg(wire))][2] == diagram.AGAIN
    assert len(arrows(svg(wire))) == 7


@pytest.mark.parametrize(
    ("what", "room", "left"),
    [
        ('PUBLISH chat "hi"', 20, 'PUBLISH chat "hi"'),
        ('@1 PUBLISH room:red "red 1"', 23, '@1 PUBLISH room:red "…"'),
        ('@1 PUBLISH chat "3f29ab two"', 23, '@1 PUBLISH chat "3…two"'),
        ('PUBLISH a-very-long-channel "hi"', 23, 'PUBLIS…long-channel "…"'),
        ('a-very-long-channel "hello"', 14, 'a-v…hannel "…"'),
        ("SUBSCRIBE a-very-long-channel", 20, "SUBSCR…-long-channel"),
    ],
)
def test_what_is_published_gets_shorter_before_its_channel(
    what: str, room: int, left: str
) -> None:
    assert brief(what, room) == left
    assert cell_len(brief(what, room)) <= room


def test_what_befalls_redis_is_told_whole_and_is_no_process() -> None:
    wire = two_processes()
    wire.record("1", "none", "redis", "it confirms no subscription")

    assert drawn(wire)[-1] == "│ │ │it confirms no subscription │"
    assert "it confirms no subscription" in words(svg(wire))


@pytest.mark.parametrize("seed", range(10))
def test_what_is_squeezed_keeps_its_end(seed: int) -> None:
    what, room = any_text(random.Random(seed)) + "the end", 12 + seed

    assert cell_len(squeeze(what, room)) <= room
    assert squeeze(what, room).endswith("end")
