"""Several workers of one uvicorn: what is said in any of them is heard in all.

The whole measure, with 500 texts each: `python -m tests.ch05_redis.matrix`.
"""

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.ch05_redis.conftest import DEADLINE, PATIENT
from tests.ch05_redis.crowd import PEOPLE, Count, come, talk
from tests.conftest import Promise
from workbook.broker import Broker
from workbook.course import ROOT
from workbook.server import Workers

pytestmark = pytest.mark.xdist_group("ch05 workers")

PACE = 50.0
"""Texts a second that each person says."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A Redis without a link before it, which would take as long as the app."""
    with Broker(private=True) as broker:
        yield broker


def environment(broker: Broker) -> dict[str, str]:
    return {"REDIS_URL": broker.url, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    ("count", "texts", "pace"),
    [(1, 30, PACE), (2, 30, PACE), (4, 30, PACE), (2, 100, None)],
    ids=["1 worker", "2 workers", "4 workers", "2 workers, a flood"],
)
def test_everybody_hears_everything_once_and_in_order(
    broker: Broker, count: int, texts: int, pace: float | None, promise: Promise
) -> None:
    if "fakeredis" in broker.name:  # it takes 10 ms for each
        texts, pace = texts // 10, None

    async def measure(port: int) -> Count:
        async with come(port) as people:
            return await talk(people, texts, pace)

    with Workers(PATIENT, count, env=environment(broker)) as workers:
        counted = asyncio.run(measure(workers.port))
        subscribed = dict(broker.client.pubsub_numsub("chat"))
    how = f"{pace:g} texts a second each" if pace else "a flood"

    assert counted.is_whole, counted
    assert counted.due == PEOPLE * (PEOPLE - 1) * texts
    assert subscribed == {"chat": count}
    assert "Traceback" not in workers.log
    promise(f"ch05: {PEOPLE} people, workers: {count}, {how}: {counted}")


def test_a_hundred_who_come_at_once_after_a_start_hear_the_first_word(
    broker: Broker,
) -> None:
    async def hear_the_first_word(port: int) -> list[str]:
        async with come(port, people=100) as (ana, *others):
            await ana.send("hello")
            async with asyncio.timeout(DEADLINE):
                return [str(await other.recv()) for other in others]

    with Workers(PATIENT, 2, env=environment(broker)) as workers:
        heard = asyncio.run(hear_the_first_word(workers.port))

    assert [json.loads(text)["message"] for text in heard] == ["hello"] * 99
