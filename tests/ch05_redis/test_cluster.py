"""docker-compose.yml holds together, in what its schema does not check."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from workbook.course import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NGINX = (ROOT / "cluster" / "nginx.conf").read_text("utf-8")


def dependencies() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            yield name, other, how["condition"]


def test_it_needs_no_version() -> None:
    assert "version" not in COMPOSE


def test_redis_starts_by_itself_and_the_rest_with_the_profile() -> None:
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}

    assert profiles == {"redis": None, "app": ["cluster"], "nginx": ["cluster"]}
    assert SERVICES["app"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_open_on_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_who_waits_for_another_waits_until_it_is_well() -> None:
    found = list(dependencies())

    assert [(name, other) for name, other, _ in found] == [
        ("app", "redis"),
        ("nginx", "app"),
    ]
    for _, other, condition in found:
        assert condition == "service_healthy"
        assert "test" in SERVICES[other]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        here, _, mode = mount.split(":")
        assert (ROOT / here).is_file()
        assert mode == "ro"


def test_the_names_and_ports_fit_together() -> None:
    app, nginx = SERVICES["app"], SERVICES["nginx"]
    url = app["environment"]["REDIS_URL"]

    assert url == f"redis://redis:{SERVICES['redis']['ports'][0].split(':')[-1]}"
    assert "server app:8000;" in NGINX  # uvicorn's default
    assert ":8000/health" in app["healthcheck"]["test"][-1]
    assert f"listen {nginx['ports'][0].split(':')[-1]};" in NGINX


def test_the_image_has_what_the_app_imports() -> None:
    build = SERVICES["app"]["build"]["dockerfile_inline"]
    copied = re.findall(r"^COPY (\S+)", build, re.M)
    module = SERVICES["app"]["command"][1].partition(":")[0]

    assert all((ROOT / each).exists() for each in copied)
    assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
    assert module.partition(".")[0] in copied
