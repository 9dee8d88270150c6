"""What the checks of chapter 2 ask of the engine, beside its known wrong answers."""

import re
from pathlib import Path

import pytest

from tests.waiting import DEADLINE, wait_until
from workbook import course
from workbook.answer import Answer
from workbook.failure import Failure
from workbook.server import NotServing, Server

CHAPTER = course.find_chapter("concurrency")
BITE_HERE = ["M03", "M06", "M20", "M22", "M23", "M24", "M28", "M36", "M50"]
FEED = CHAPTER.exercises[2].solution

TALKS_AND_WAITS = """
import asyncio
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("one")
    while True:
        await websocket.receive_text()
"""


def test_the_table_holds_all_that_bite_here() -> None:
    table = (CHAPTER.tests / "misconceptions.md").read_text("utf-8")

    assert re.findall(r"^\| (M\d\d)", table, re.M) == BITE_HERE


def test_a_server_can_be_given_other_constants() -> None:
    with Server(FEED, constants={"STEP": 0.01}) as server:
        with server.connect("ana") as ana:
            assert [ana.receive() for _ in range(3)] == ["news 1", "news 2", "news 3"]
        assert server.idle_tasks >= 1


def test_a_constant_that_is_not_there_is_named() -> None:
    with pytest.raises(NotServing) as caught:
        Server(FEED, constants={"STEPS": 0.01})

    assert "it has no STEPS; there are:" in str(caught.value)
    assert str(caught.value).endswith("STEP")


def test_a_check_can_change_a_constant_while_the_app_serves() -> None:
    with Answer(FEED) as answer:
        answer.set(STEP=600.0)
        with answer.connect("ana") as ana:
            ana.expect("news 1")
            answer.set(STEP=0.01)
            with answer.connect("bo") as bo:
                bo.expect("news 1")
                bo.expect("news 2")


def test_a_learner_who_renamed_a_constant_is_told_so() -> None:
    with Answer(FEED) as answer, pytest.raises(Failure) as caught:
        answer.set(TEMPO=1.0)

    assert "no such constant; there are:" in caught.value.got
    assert "STEP" in caught.value.got
    assert "Bring its name back" in (caught.value.hint or "")


def test_tasks_are_counted() -> None:
    with Server(FEED, constants={"STEP": 600.0}) as server:
        before = server.tasks()
        with server.connect("ana") as ana:
            ana.expect("news 1")
            wait_until(lambda: server.tasks() == before + 2, "there are two more")

    assert before == server.idle_tasks


def test_who_fails_stays_connected_until_the_next_check(tmp_path: Path) -> None:
    file = tmp_path / "talks_and_waits.py"
    file.write_text(TALKS_AND_WAITS)

    with Answer(file) as answer:
        with pytest.raises(Failure), answer.connect("ana") as ana:
            ana.expect("two")
        still_there = ana.ping()
        answer.begin()
        end = answer.process.wait_for("crash", timeout=DEADLINE)

    assert still_there
    assert end is not None
    assert end["error"] == "WebSocketDisconnect"
