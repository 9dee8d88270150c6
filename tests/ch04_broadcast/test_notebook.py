"""What the notebook of chapter 4 shows beside the chapter."""

import pytest

from benchmarks import broadcast, load, serving
from benchmarks.audience import listen, say
from tests.waiting import DEADLINE
from workbook.client import Client


def test_the_figures_are_of_the_designs_that_are_measured() -> None:
    results = broadcast.load()

    assert tuple(results) == broadcast.SUBSCRIBERS
    for rounds in results.values():
        assert list(rounds) == list(broadcast.DESIGNS)
        assert all(each.lost + each.doubled == 0 for each in rounds[broadcast.OURS])


def test_write_through_keeps_what_the_chapter_promises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "SILENCE", DEADLINE)  # less where nothing is lost
    design = broadcast.DESIGNS[broadcast.WRITE_THROUGH]
    long, count = "x" * 65_536, 40
    with serving.served(design.app, *design.options) as (port, _):
        assert load.flood(port) == load.Tally(expected=38_000)
        ana, bo, cy = (Client(name, port, narrow=True) for name in ("ana", "bo", "cy"))
        bo.stall()
        say(ana, *[long] * count)

        heard = [cy.receive("what ana said") for _ in range(count)]
        bo.read_on()
        last = listen(bo, patience=DEADLINE)[-1]

    assert all(long in str(text) for text in heard)
    assert "1013" in last
