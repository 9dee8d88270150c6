"""The workbook quotes only what was measured, and the tables are those of the JSON.

What counts as a quoted figure is FIGURE: a number with a sign or a unit that the tables
have. Numbers in words ("two minutes"), shares in per cent and sizes without a rate are
not looked at. A quote is right if some figure in a column of that unit rounds to it.
"""

import argparse
import asyncio
import importlib
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks import __main__ as bench
from benchmarks import (
    crowds,
    curves,
    drift,
    echo,
    echoing,
    plan,
    redis_broadcast,
    redis_promises,
    report,
    rooms,
    tables,
    talking,
)
from benchmarks.echoing import COUNT, Echoer, Kind
from benchmarks.redis_broadcast import LIMIT, OURS, RACE
from benchmarks.report import Length, Table
from benchmarks.suite import BENCHES
from chapters.ch04_broadcast import room
from workbook import arguments

ROOT = Path(__file__).resolve().parent.parent

NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
NOUN = r"(?:thousand )?(?:echoes|deliveries|texts|messages|round trips)"
FIGURE = re.compile(
    rf"(?<![\w\\])[×x]{NUMBER}"
    rf"|{NUMBER} ?(?:k |thousand )?(?:({NOUN}) ?)?(?:/s|(?:a|per) (?:CPU )?second)\b"
    rf"|{NUMBER} ?(µs|us|ms|KiB a connection|[KMG]i?B/s|[KMG]iB a second)\b"
)

UNITS = {"us": "µs", "×": "×"}
"""What a column's head holds where a text says it in another way."""

SETTINGS = {
    "25 ms": drift.PAUSE == 0.025,
    "10 ms": drift.STEP == 0.01,
    "50 a second": talking.PACE == 50,
    "400 KiB/s": room.SLOWEST == 400 * 1024,
    "400 KiB a second": room.SLOWEST == 400 * 1024,
}
"""What a text says of a constant and not of a run, and whether it still is so."""


def texts() -> Iterator[Path]:
    """All that a learner reads and nobody generates."""
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md", tables.README)
    yield from sorted(ROOT.glob("chapters/*/README.md"))
    yield from sorted(ROOT.glob("notebooks/sources/*.py"))
    yield from sorted(ROOT.glob("docs/*.md"))


@cache
def recorded() -> list[Table]:
    """All tables of what was recorded."""
    return list(tables.all_tables())


def quoted(text: str) -> Iterator[tuple[str, str, str]]:
    """Each figure as it stands, its number, and its unit as a column has it."""
    for found in FIGURE.finditer(tables.prose(text)):
        ratio, rate, noun, cost, unit = found.groups()
        kind = "×" if ratio else noun or "/s" if rate else UNITS.get(unit, unit)
        yield found[0], (ratio or rate or cost).replace(",", ""), kind


def holds(columns: Sequence[Table], number: str, unit: str) -> bool:
    """Whether a column of that unit has a figure that rounds to the number."""
    places = len(number.partition(".")[2])
    for table in columns:
        cells = [table.note] if unit in table.note else []
        for place, head in enumerate(table.head):
            cells += [row[place] for row in table.rows] if unit in head else []
        found = [
            float(n.replace(",", "")) for c in cells for n in re.findall(NUMBER, c)
        ]
        if number in [f"{value:.{places}f}" for value in found]:
            return True
    return False


def unfounded(text: str, columns: Sequence[Table]) -> list[str]:
    """The figures of a text that no table holds."""
    return [
        figure
        for figure, number, unit in quoted(text)
        if not SETTINGS.get(figure) and not holds(columns, number, unit)
    ]


def test_the_readme_has_the_tables_of_what_was_recorded() -> None:
    text = tables.README.read_text("utf-8")

    assert tables.filled(text) == text, "give: python -m benchmarks.tables"


def test_the_readme_has_a_place_for_each_benchmark() -> None:
    text = tables.README.read_text("utf-8")

    assert {found[2] for found in tables.MARKED.finditer(text)} == {*BENCHES, "plan"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", list(texts()), ids=name_of)
def test_a_text_quotes_only_what_the_tables_hold(path: Path) -> None:
    assert unfounded(path.read_text("utf-8"), recorded()) == []


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "benchmarks/README.md",
        "chapters/ch04_broadcast/README.md",
        "notebooks/sources/ch05_redis.py",
        "docs/errors.md",
    ],
)
def test_no_kind_of_text_may_quote_what_nobody_measured(name: str) -> None:
    assert ROOT / name in texts()

    text = (ROOT / name).read_text("utf-8") + "\n\n# It does 98,765 echoes/s here.\n"

    assert unfounded(text, recorded()) == ["98,765 echoes/s"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("ours is ×1.81 of it", ["×1.81"]),
        ("ours is x0.97 of it, or ×0.975, or ×1.0", []),
        ("44,100 deliveries/s", ["44,100 deliveries/s"]),
        ("12.3 thousand deliveries/s, 12 thousand deliveries per second", []),
        ("a ping costs 68.0 µs, or 68 us, and not 67 µs", ["67 µs"]),
        ("32.5 KiB a connection, 31 KiB a connection", ["31 KiB a connection"]),
        ("12.3 ms", ["12.3 ms"]),  # its unit is another column's
        ("every 25 ms, 400 KiB/s", []),
        ("0x81 and \\x81 are bytes", []),
        ("<!-- begin echo -->\n×7.77\n<!-- end echo -->", []),
    ],
)
def test_the_scan_finds_a_figure_that_no_table_holds(
    text: str, wrong: list[str]
) -> None:
    head = ["", "thousand deliveries/s", "× naive"]
    rates = Table("", head, [["a", "12.3", "×0.975"]])
    costs = Table("", ["", "µs CPU a ping"], [["a", "68.0"]], "")
    memory = Table("", ["", "KiB a connection"], [["a", "32.5"]])
    one = Table("", ["", "× limit"], [["a", "×0.97"], ["b", "×1.00"]])

    found = unfounded(text, [rates, costs, memory, one])

    assert found == wrong


def test_a_setting_that_a_text_names_is_still_so() -> None:
    assert all(SETTINGS.values())


class Wire(asyncio.Transport):
    """Where a client writes to; nothing answers."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))


def answer(text: bytes) -> bytes:
    payload = echoing.PREFIX + text
    return b"\x81" + bytes([len(payload)]) + payload


@pytest.fixture
def client() -> Echoer:
    """One that has been let in and has said its first text."""
    client = Echoer(Kind(1, 32, deflate=False))
    client.connection_made(Wire())
    client.data_received(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    client.say()
    return client


def counted(client: Echoer) -> tuple[int, int, int, int]:
    return client.said, client.echoes, client.doubled, client.disordered


def test_a_client_says_its_next_text_when_the_echo_is_there(client: Echoer) -> None:
    first, second = echoing.texts(32)[:2]

    for byte in answer(first):
        client.data_received(bytes([byte]))

    assert counted(client) == (2, 1, 0, 0)
    wire = cast(Wire, client.transport)
    assert [data[6:] for data in wire.written[1:]] == [first, second]


def test_an_echo_that_comes_twice_is_counted(client: Echoer) -> None:
    client.data_received(answer(echoing.texts(32)[0]) * 2)

    assert counted(client) == (2, 1, 1, 0)


def test_an_echo_of_something_else_is_counted(client: Echoer) -> None:
    client.data_received(answer(echoing.texts(32)[5]))

    assert counted(client) == (1, 0, 0, 1)


def test_a_ping_is_answered_and_is_no_echo(client: Echoer) -> None:
    client.data_received(b"\x89\x02hi")

    assert counted(client) == (1, 0, 0, 0)
    wire = cast(Wire, client.transport)
    assert b"".join(wire.written).endswith(b"\x8a\x82\0\0\0\0hi")


@pytest.mark.parametrize("size", echo.SIZES)
def test_texts_differ_and_each_compressed_frame_holds_one(size: int) -> None:
    said = echoing.texts(size)

    assert len(set(said)) == COUNT
    assert {len(text) for text in said} == {size}
    for text, frame in zip(said, echoing.frames(size, True), strict=True):
        start = 6 if frame[1] & 0x7F < 126 else 8
        payload = frame[start:] + b"\0\0\xff\xff"
        assert zlib.decompressobj(-15).decompress(payload) == text


def rounds(app: str, rates: Sequence[float], lost: int = 0) -> list[dict[str, Any]]:
    kinds = [
        kind for kind in echo.kinds() if not kind.deflate or echo.APPS[app].deflate
    ]
    facts = {"wall": 1.0, "load": 0.5, "said": 100, "doubled": 0, "disordered": 0}
    return [
        {"app": app, **vars(kind), **facts, "cpu": rate * 1000, "lost": lost}
        for kind in kinds
        for rate in rates
    ]


def made(third: Sequence[float], lost: int = 0) -> report.Data:
    apps = [name for name in echo.APPS if name != echo.CHAPTER_3]
    others = [each for name in apps for each in rounds(name, [40.0, 50.0, 60.0])]
    return {"rounds": [*others, *rounds(echo.CHAPTER_3, third, lost)]}


def test_a_ratio_is_to_the_same_round() -> None:
    data = made([20.0, 25.0, 30.0])

    (share,) = {row[4] for t in echo.tables(data)[:1] for row in t.rows[1:2]}

    assert share == "×0.50"
    assert [ok for _, ok in echo.goals(data)] == [True, False, True]


def test_an_echo_that_was_lost_breaks_a_promise() -> None:
    assert [ok for _, ok in echo.goals(made([40.0] * 3, lost=1))][-1] is False


def test_the_knees_are_where_the_curves_bend() -> None:
    cost = {10: {"cpu": 3.0}, 100: {"cpu": 2.0}, 300: {"cpu": 2.4}, 900: {"cpu": 2.6}}
    late = {0.1: {"p99": 1.0}, 0.5: {"p99": 4.0}, 0.9: {"p99": 6.0}, 1.0: {"p99": 4.0}}

    assert curves.knee_of_cost(cost) == 900
    assert curves.knee_of_lateness(late) == 0.5
    assert curves.knee_of_lateness({0.1: {"p99": 1.0}}) is None


def crowd(count: int, held: bool, cpu: float, collecting: float) -> dict[str, Any]:
    costs = {"cpu": cpu / 1e6, "collecting": collecting / 1e6}
    return {"listen": count, "held": held, **costs, "load": 0.5, "wrong": 0}


def test_what_collecting_costs_is_told_beside_a_run_without_it() -> None:
    rounds = [crowd(5000, False, 30.0, 18.0), crowd(5000, True, 12.0, 0.0)]

    (table,) = crowds.tables({"collector": rounds})

    assert table.rows == [["5,000", "30.00", "18.00", "12.00", "×0.40", "50%"]]


def test_a_plan_counts_what_a_delivery_costs_more_among_many() -> None:
    rounds = [
        {"people": people, "text": text, "cpu": text / 49, "load": 0.5, "wrong": 0}
        for people, text in ((50, 400e-6), (4000, 1380e-6))
    ]

    (table,) = crowds.tables({"rooms": rounds})

    assert crowds.dearer({"rooms": rounds}) == pytest.approx(20e-6)
    assert [row[3] for row in table.rows] == ["×1.00", "×3.45"]


def talked(design: str, flood: bool, seconds: float) -> dict[str, Any]:
    late = {"p50": seconds, "p99": seconds, "connections": [2, 2], "load": 0.5}
    costs = {"seconds": seconds, "cpu": seconds, **late}
    counted = {"expected": 1000, "lost": 0, "doubled": 0, "disordered": 0}
    return {"design": design, "workers": 1, "flood": flood, **counted, **costs}


def redis_of(**seconds: float) -> report.Data:
    names = {"ours": OURS, "race": RACE, "limit": LIMIT}
    rounds = [talked(names[n], f, s) for n, s in seconds.items() for f in (False, True)]
    return {"taken": "", "machine": {}, "rounds": rounds, "publish": {}}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (
            {"ours": 2.0, "race": 4.0, "limit": 1.0},
            ["×2.00", "×0.50", "×0.50", "×2.00"],
        ),
        ({"ours": 2.0, "race": 4.0}, ["×2.00", "", "×0.50", ""]),
    ],
)
def test_a_way_through_redis_is_beside_the_race_and_the_limit(
    seconds: dict[str, float], shown: list[str]
) -> None:
    table, *_ = rooms.tables_of_redis(redis_of(**seconds))

    (ours,) = [row for row in table.rows if row[0] == OURS]
    found = [cell for head, cell in zip(table.head, ours, strict=True) if "×" in head]
    assert found == shown


def test_nobody_has_to_be_quicker_than_the_limit() -> None:
    results = redis_broadcast.read(redis_of(ours=1.0, race=2.0, limit=0.5))

    assert redis_promises.waiting(results, 1)[1]


async def heard_by_hand(chunks: Sequence[bytes]) -> list[str]:
    """What the limit delivers of what Redis sends in these pieces."""
    reader, texts = asyncio.StreamReader(), list[str]()

    async def send(event: Any) -> None:
        texts.append(event["text"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", "redis://127.0.0.1:1")
        limit = importlib.import_module("benchmarks.designs.plain_redis")
        patch.setattr(limit, "room", {"1:0": send})
        hearing = asyncio.create_task(limit.hear(reader))
        for chunk in chunks:
            reader.feed_data(chunk)
            await asyncio.sleep(0)
        reader.feed_eof()
        await hearing
    return texts


@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_the_limit_hears_each_text_of_others_once(size: int) -> None:
    said = ["2:0 one", "1:0 mine", "2:1 two", "2:0 three"]
    sent = b"".join(
        b"*3\r\n$7\r\nmessage\r\n$4\r\nchat\r\n$%d\r\n%b\r\n" % (len(s), s.encode())
        for s in said
    )
    chunks = [sent[at : at + size] for at in range(0, len(sent), size)]

    assert asyncio.run(heard_by_hand(chunks)) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("ends", "looked_at"), [(False, [50, 500, 2000]), (True, [50, 2000])]
)
def test_a_run_that_is_not_long_looks_at_the_ends(
    ends: bool, looked_at: list[int]
) -> None:
    titles = [title for _, title, _ in crowds.steps(3000, set(), ends=ends)]

    rooms_of = [title for title in titles if title.endswith("in rooms")]
    assert rooms_of == [f"{count} in rooms" for count in looked_at]


COSTS = plan.Costs(8e-6, 2e-4, 5e-5, 40_000, 1e-6, 5e-7)


@pytest.mark.parametrize("processes", [1, 2, 10, 100, 1000])
def test_the_simulation_counts_what_the_arithmetic_says(processes: int) -> None:
    deliveries, heard = plan.simulate(10_000, processes, 500)

    expected = 500 * plan.Plan(10_000, COSTS).hearing(processes)
    assert deliveries == 500 * (plan.ROOM - 1)
    assert heard == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("people", plan.PEOPLE)
def test_a_plan_has_as_many_processes_as_it_needs(people: int) -> None:
    needed = plan.Plan(people, COSTS)
    count = needed.processes

    assert needed.cpu(count) <= count * plan.FULL
    assert people * COSTS.memory <= count * plan.MEMORY
    assert needed.redis <= needed.nodes * plan.FULL


def test_a_line_goes_through_points_that_lie_on_one() -> None:
    assert plan.line({0: 1.0, 2: 2.0, 4: 3.0}) == pytest.approx((1.0, 0.5))


def test_every_benchmark_is_named_where_a_learner_looks() -> None:
    parser = argparse.ArgumentParser()
    arguments.bench_options(parser)

    assert all(name in parser.format_help() for name in BENCHES)
    assert bench.parse([]).what == []
    assert bench.parse(["idle", "--short"]).what == ["idle"]


@pytest.mark.parametrize(
    ("argv", "length"),
    [
        ([], Length.USUAL),
        (["--short"], Length.SHORT),
        (["--long"], Length.LONG),
        (["--record"], Length.LONG),
    ],
)
def test_what_is_recorded_is_a_long_run(argv: list[str], length: Length) -> None:
    assert bench.length_of(bench.parse(argv)) is length


def test_all_of_it_takes_minutes() -> None:
    seconds = sum(each.seconds(Length.USUAL) for each in BENCHES.values())

    assert seconds <= 510, "README.md says: about eight"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["ech"], "there is no benchmark ech"),
        (["--record", "--short"], "a short look is not recorded"),
        (["--long", "--short"], "a run is short or long"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        bench.parse(argv)

    assert said in capsys.readouterr().err


def test_what_was_measured_stands_where_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table("Rates", ["", "echoes/s"], [["ours", "7"]])
    one = SimpleNamespace(
        measure=lambda length: {"length": length.value},
        tables=lambda _: [table],
        goals=lambda _: [("ours is quick", False)],
        picture=lambda _: report.panels(1, (1, 1))[0],
    )
    monkeypatch.setitem(BENCHES, "made", cast(Any, one))
    monkeypatch.setattr(bench, "ROOT", tmp_path)

    kept = bench.measure("made", length=Length.SHORT, suite=False, folder=tmp_path)

    assert not kept
    assert report.read("made", tmp_path) == {"length": "short"}
    assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "missed  ours is quick" in said
    assert "ours         7" in said
