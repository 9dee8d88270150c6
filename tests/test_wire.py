"""The record of what went over the wire."""

import json
import threading

from workbook.wire import Event, Wire


def test_events_are_numbered_and_timed_in_their_order() -> None:
    wire = Wire()

    wire.record("ana", "out", "request", "/ws")
    wire.record("bo", "out", "request", "/ws")
    wire.record("ana", "in", "response", code=101)

    assert [event.number for event in wire] == [0, 1, 2]
    times = [event.time for event in wire]
    assert times == sorted(times)
    assert 0 <= times[0] <= wire.now() < 60
    assert wire.clients == ["ana", "bo"]
    assert len(wire) == 3


def test_events_are_a_copy() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "hello")

    wire.events.clear()

    assert len(wire) == 1


def test_a_mark_is_put_on_an_event_and_taken_away() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "hello")
    event = wire.record("ana", "in", "text", "hello")

    wire.mark(event, 'expected text "HELLO"')
    assert [e.mark for e in wire] == [None, 'expected text "HELLO"']
    assert event.mark is None

    wire.mark(event, None)
    assert [e.mark for e in wire] == [None, None]


def test_an_event_that_was_never_on_the_wire_marks_nothing() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "hello")

    wire.mark(Event(99.0, "ana", "out", "end"), "wrong")

    assert [e.mark for e in wire] == [None]


def test_as_json_everything_can_be_read_back() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", 'Grüße "👋"\n\x00\ud800')
    wire.record("ana", "out", "binary", b"\x00\xff")
    wire.record("ana", "in", "close", "", 1000, mark="expected nothing")

    events = json.loads(wire.to_json())

    assert events[0]["data"] == 'Grüße "👋"\n\x00\ud800'
    assert events[1]["data"] == {"hex": "00ff"}
    assert events[2] == {
        "time": wire.events[2].time,
        "client": "ana",
        "direction": "in",
        "kind": "close",
        "data": "",
        "code": 1000,
        "mark": "expected nothing",
        "number": 2,
    }
    assert json.loads(Wire().to_json()) == []


def test_threads_that_record_at_once_lose_nothing() -> None:
    wire = Wire()

    def talk(name: str) -> None:
        for n in range(500):
            wire.mark(wire.record(name, "out", "text", str(n)), name)

    threads = [threading.Thread(target=talk, args=(f"c{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [event.number for event in wire] == list(range(4000))
    assert all(event.mark == event.client for event in wire)
    for name in wire.clients:
        mine = [event.data for event in wire if event.client == name]
        assert mine == [str(n) for n in range(500)]


def test_who_speaks_with_redis_or_is_looked_at_is_no_client() -> None:
    wire = Wire()
    wire.record("ana", "out", "text", "hello")
    wire.record("1", "out", "redis", 'PUBLISH chat "hello"')
    wire.record("", "none", "found", mark="a handler that still ran")

    assert wire.clients == ["ana"]


def test_a_copy_stays_as_it_is() -> None:
    wire = Wire(processes={"ana": 2})
    wire.record("ana", "out", "text", "hello")

    copy = wire.copy()
    wire.record("ana", "in", "end")
    wire.processes["bo"] = 1

    assert ([event.kind for event in copy], copy.processes) == (["text"], {"ana": 2})
