"""The page of chapter 5 in a real Chromium: what is new since chapter 4's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser import DEADLINE, ROOT, import_or_skip
from tests.ch05_redis.conftest import PATIENT
from workbook.broker import shared
from workbook.link import Link
from workbook.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route, WebSocketRoute

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)
axe = import_or_skip("axe_playwright_python.sync_playwright").Axe()

PAGE = ROOT / "chapters" / "ch05_redis" / "page.html"

pytestmark = pytest.mark.xdist_group("ch05 page")


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with Link(shared()) as link:
        yield link


@pytest.fixture(scope="module")
def page_server(link: Link) -> Iterator[Server]:
    with Server(PATIENT, env={"REDIS_URL": link.url}) as server:
        yield server
        assert "Traceback" not in server.log


def visit(tab: Page, url: str) -> list[Locator]:
    """Both people, connected."""
    tab.goto(url)
    names = ["First person", "Second person"]
    both = [tab.get_by_role("region", name=name) for name in names]
    for person in both:
        expect(person.get_by_role("status")).to_have_text("Connected")
    return both


def state(tab: Page) -> Locator:
    return tab.get_by_role("region", name="Redis").get_by_role("status")


def detail(tab: Page) -> Locator:
    return tab.get_by_role("region", name="Redis").locator(".detail")


def say(person: Locator, text: str) -> None:
    person.get_by_label("Message").fill(text)
    person.get_by_role("button", name="Send text").click()


def entries(person: Locator, kind: str) -> Locator:
    return person.get_by_role("log").locator(f".{kind}")


def play(tab: Page, health: str) -> list[Locator]:
    """The page from https, with this to be read at /health."""
    routes: list[WebSocketRoute] = []

    def answer(route: Route) -> None:
        route.fulfill(body=health)

    tab.route("https://workbook.test/", lambda route: route.fulfill(path=PAGE))
    tab.route("https://workbook.test/health", answer)
    tab.route_web_socket(re.compile("/ws"), lambda route: routes.append(route))
    both = visit(tab, "https://workbook.test/")
    routes[0].send('{"error": "Redis is away. Perhaps nobody has heard this: hello"}')
    expect(tab.locator(".failed")).to_have_count(1)
    return both


def test_while_redis_is_away_the_page_says_so_and_who_speaks_is_told(
    tab: Page, page_server: Server, link: Link
) -> None:
    ana, bo = visit(tab, page_server.http)
    expect(state(tab)).to_have_text("Redis is up")
    process = page_server.process.pid
    expect(detail(tab)).to_have_text(
        f"Process {process} answers. Messages that it missed: 0"
    )

    link.kill()
    say(ana, "hello")
    expect(entries(ana, "failed").locator(".payload")).to_contain_text("hello")
    expect(state(tab)).to_have_text("Redis is away: nothing is passed on")
    link.start()
    expect(state(tab)).to_have_text("Redis is up")
    say(ana, "hello again")
    expect(entries(bo, "received").locator(".payload")).to_have_text("hello again")

    expect(entries(bo, "failed")).to_have_count(0)
    for person in (ana, bo):
        expect(person.get_by_role("status")).to_have_text("Connected")


@pytest.mark.parametrize(
    "health", ["", "nothing", "[]", "null", '{"detail": "Not Found"}']
)
def test_a_server_that_does_not_know_is_taken_as_it_is(tab: Page, health: str) -> None:
    play(tab, health)

    expect(state(tab)).to_contain_text("unknown")
    expect(detail(tab)).to_be_empty()


def test_the_page_asks_for_nothing_but_its_sockets_and_the_health(
    tab: Page, page_server: Server
) -> None:
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    visit(tab, page_server.http)
    expect(state(tab)).to_have_text("Redis is up")

    there = [url for url in requests if not url.startswith("data:")]
    # It looks at the latter again and again, and so on a slow machine more than once.
    assert there[0] == f"{page_server.http}/"
    assert set(there[1:]) == {f"{page_server.http}/health"}


def test_320_pixels_are_wide_enough(tab: Page) -> None:
    tab.set_viewport_size({"width": 320, "height": 640})
    play(tab, '{"redis": "away", "process": 4194304, "members": 100, "lost": 12345}')
    expect(state(tab)).to_contain_text("away")

    assert (
        tab.evaluate(
            """Math.max(...[document.documentElement, ...document.querySelectorAll("*")]
            .map((element) => element.getBoundingClientRect().right))"""
        )
        <= 320
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Page, scheme: Literal["light", "dark"]) -> None:
    tab.emulate_media(color_scheme=scheme)
    ana, _ = play(tab, '{"redis": "away", "process": 4711, "members": 2, "lost": 1}')
    say(ana, "hello")
    expect(state(tab)).to_contain_text("away")

    found = axe.run(tab).response["violations"]

    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
