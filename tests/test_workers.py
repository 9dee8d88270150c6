"""Several workers of uvicorn on one port, which end with the test."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until
from workbook.broker import shared
from workbook.descendants import is_alive
from workbook.link import Link
from workbook.server import NotServing, Workers

ROOT = Path(__file__).parents[1]
RELAY = ROOT / "tests" / "apps" / "relay.py"

PACKED = """
from fastapi import FastAPI

from .words import GREETING

app = FastAPI()


@app.get("/")
async def greet() -> str:
    print(GREETING)
    return GREETING
"""


def runs(pid: int) -> bool:
    try:
        return is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def test_two_workers_serve_one_port_with_one_subscription_each() -> None:
    with (
        Link(shared()) as redis,
        Workers(RELAY, 2, env={"REDIS_URL": redis.url}) as workers,
    ):
        pids = workers.pids
        with workers.connect("ana") as ana, workers.connect("bo") as bo:
            ana.send("hello")
            ana.expect("hello")
            bo.expect("hello")
        alive = [runs(pid) for pid in pids]

        assert redis.subscriptions() == {"chat": 2}
        assert workers.http == f"http://127.0.0.1:{workers.port}"
    assert len(set(pids)) == 2
    assert alive == [True, True]
    assert [runs(pid) for pid in pids] == [False, False]
    assert workers.log.count("connection open") == 2
    assert workers.wire.clients == ["ana", "bo"]


def test_a_file_in_a_package_finds_its_neighbours(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "words.py").write_text("GREETING = 'hello'\n")
    (folder / "app.py").write_text(PACKED)

    with Workers(folder / "app.py", 1) as workers:
        assert "Application startup complete." in workers.log


def test_one_that_cannot_be_imported_is_told_with_its_log(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text("import nowhere\n")

    with pytest.raises(NotServing, match="2 workers are not serving") as missing:
        Workers(file, 2)

    assert "No module named 'nowhere'" in str(missing.value)


def test_they_end_with_a_parent_that_is_killed() -> None:
    code = (
        "import sys; from pathlib import Path; from workbook.server import Workers\n"
        "workers = Workers(Path(sys.argv[1]), 2)\n"
        "print(*workers.pids, flush=True)\n"
        "sys.stdin.read()\n"
    )
    app = ROOT / "chapters" / "ch01_echo" / "app.py"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(app)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        alive = [runs(pid) for pid in pids]
        parent.kill()

    assert alive == [True, True]
    wait_until(lambda: not any(map(runs, pids)), "they have all ended")
