"""The whole measure of chapter 5, for a maintainer; it takes two minutes:

    python -m tests.ch05_redis.matrix

Twenty people, 500 texts each, in 1, 2 and 4 workers; and a minute of silence.
"""

import asyncio
import sys
import time

from tests.ch05_redis.conftest import APP
from tests.ch05_redis.crowd import PEOPLE, Count, come, talk
from workbook.broker import Broker
from workbook.server import Server, Workers

TEXTS = 500
SILENCE = 60.0
"""Seconds."""


async def measure(port: int, pace: float | None) -> Count:
    async with come(port) as people:
        return await talk(people, TEXTS, pace)


def talk_in_workers(broker: Broker) -> bool:
    """Print a line for each number of workers, and each pace; whether all is well."""
    whole = True
    for count in (1, 2, 4):
        for pace in (50.0, None):
            with Workers(APP, count, env={"REDIS_URL": broker.url}) as workers:
                counted = asyncio.run(measure(workers.port, pace))
                subscribed = dict(broker.client.pubsub_numsub("chat"))["chat"]
            how = f"{pace:g}/s each" if pace else "a flood"
            print(f"{count} workers, {PEOPLE} x {TEXTS}, {how}: {counted}", flush=True)
            whole &= counted.is_whole and subscribed == count
            whole &= "Traceback" not in workers.log
    return whole


def be_silent(broker: Broker) -> bool:
    """Say nothing for a minute, then one word; whether it was heard."""
    with (
        Server(APP, env={"REDIS_URL": broker.url}) as server,
        server.connect("ana") as ana,
        server.connect("bo") as bo,
    ):
        time.sleep(SILENCE)
        ana.send("still there?")
        bo.expect_json({"username": "Anonymous", "message": "still there?"})
        print(f"{SILENCE:g} s of silence, then one word: heard")
        return "Redis is away" not in server.log and "Traceback" not in server.log


def main() -> int:
    with Broker(private=True) as broker:
        print(broker.name)
        return 0 if talk_in_workers(broker) & be_silent(broker) else 1


if __name__ == "__main__":
    sys.exit(main())
