"""Two processes behind a real nginx, with the configuration of docker-compose.yml.

For a maintainer, who has an nginx; `pytest` collects it only by its name:

    .venv/bin/python -m pytest tests/ch05_redis/behind_nginx.py
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.ch05_redis.conftest import DEADLINE, Start, health, said
from workbook.broker import free_port, is_open
from workbook.client import Client
from workbook.course import ROOT
from workbook.link import Link
from workbook.server import Server

CONFIGURATION = (ROOT / "cluster" / "nginx.conf").read_text("utf-8")


@pytest.fixture
def servers(start: Start, link: Link) -> list[Server]:
    return [start(link.url), start(link.url)]


@pytest.fixture
def port(servers: list[Server], tmp_path: Path) -> Iterator[int]:
    """Where nginx listens, with these servers behind it."""
    port = free_port()
    behind = "\n".join(f"server 127.0.0.1:{server.port};" for server in servers)
    text = CONFIGURATION.replace("server app:8000;", behind)
    file = tmp_path / "nginx.conf"
    file.write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{port};"))
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program is not None, "there is no nginx: apt-get install -y nginx"
    own = f"daemon off; pid {tmp_path}/pid; error_log stderr;"
    command = [program, "-p", str(tmp_path), "-c", str(file), "-g", own]
    subprocess.run([*command, "-t"], check=True)
    with subprocess.Popen(command) as nginx:
        deadline = time.monotonic() + DEADLINE
        while not is_open(port):
            assert time.monotonic() < deadline
            assert nginx.poll() is None
            time.sleep(0.01)
        yield port
        nginx.terminate()


def come(ends: ExitStack, port: int, name: str) -> Client:
    return ends.enter_context(Client(name, port, f"/ws?username={name}"))


def test_people_are_spread_and_hear_each_other(
    servers: list[Server], port: int
) -> None:
    with ExitStack() as ends:
        people = {name: come(ends, port, name) for name in ("ana", "bo", "cy", "di")}
        for name, speaker in people.items():
            speaker.send("x" * 70_000)
            for other, listener in people.items():
                if other != name:
                    listener.expect_json(said(name, "x" * 70_000))

        assert [health(server)["members"] for server in servers] == [2, 2]


def test_a_close_code_and_other_requests_get_through(
    servers: list[Server], port: int
) -> None:
    with ExitStack() as ends:
        ana = come(ends, port, "ana")
        ana.send(b"bytes")
        ana.expect_close(1003)
    url = f"http://127.0.0.1:{port}"
    processes = [httpx.get(f"{url}/health").json()["process"] for _ in range(4)]

    assert "<!doctype html>" in httpx.get(url).text
    assert set(processes) == {server.process.pid for server in servers}


def test_when_one_process_goes_the_other_takes_its_people(
    servers: list[Server], port: int
) -> None:
    with ExitStack() as ends:
        people = [come(ends, port, name) for name in ("ana", "bo")]
        servers[0].process.interrupt()
        assert servers[0].process.join(DEADLINE) is not None
        [stayed] = [person for person in people if person.ping()]
        again = come(ends, port, "again")
        again.send("here I am")
        stayed.expect_json(said("again", "here I am"))
        [left] = [person for person in people if person is not stayed]
        left.expect_close(1012)
