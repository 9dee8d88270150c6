"""The page of chapter 2 in a real Chromium: what is new since chapter 1's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser import DEADLINE, ROOT, import_or_skip
from workbook.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)
axe = import_or_skip("axe_playwright_python.sync_playwright").Axe()

PAGE = ROOT / "chapters" / "ch02_concurrency" / "page.html"

pytestmark = pytest.mark.xdist_group("ch02 page")


@pytest.fixture(scope="module")
def ticking() -> Iterator[Server]:
    """The real app, in a hurry."""
    with Server(PAGE.with_name("app.py"), constants={"TIME_INTERVAL": 0.2}) as server:
        yield server
        assert "Traceback" not in server.log


def visit(tab: Page, url: str) -> None:
    tab.goto(url)
    expect(tab.get_by_role("status")).to_have_text("Connected")


def play(tab: Page) -> list[WebSocketRoute]:
    """Open the page; what it is sent, the test says. A clock that is on time cannot
    be late on demand, and no server need be waited for."""
    routes: list[WebSocketRoute] = []
    tab.route("https://workbook.test/", lambda route: route.fulfill(path=PAGE))
    tab.route_web_socket(re.compile("/ws$"), lambda route: routes.append(route))
    visit(tab, "https://workbook.test/")
    return routes


def tick(seconds: float) -> str:
    return f"It is: 2026-05-04T10:00:{seconds:09.6f}+00:00"


def entries(tab: Page, kind: str) -> Locator:
    return tab.get_by_role("log").locator(f".{kind}")


def widths(tab: Page) -> list[float]:
    bars = tab.locator("#gaps i").all()
    return [bar.evaluate("(bar) => bar.getBoundingClientRect().width") for bar in bars]


def overflow(tab: Page) -> int:
    """Pixels by which the page or its log is wider than what is seen of it."""
    return tab.evaluate(
        """Math.max(...[document.documentElement, document.querySelector("[role=log]")]
            .map((element) => element.scrollWidth - element.clientWidth))"""
    )


def test_ticks_come_by_themselves_and_are_shown_apart(
    tab: Page, ticking: Server
) -> None:
    visit(tab, ticking.http)
    tab.get_by_label("Message").fill("hello")
    tab.get_by_role("button", name="Send text").click()

    expect(tab.get_by_role("timer")).to_have_text(
        re.compile(r"^Last tick: \d\d:\d\d:\d\d\.\d{3} UTC$")
    )
    expect(tab.locator("#gap")).to_have_text(re.compile(r"^0\.\d\d s after the one"))
    echo = entries(tab, "received").filter(has_text="Message text was: hello")
    expect(echo).to_have_count(1)
    assert "tick" not in (echo.get_attribute("class") or "").split()
    expect(entries(tab, "tick").first).to_contain_text("It is: ")


def test_a_gap_is_measured_by_the_clock_of_the_server(tab: Page) -> None:
    [route] = play(tab)

    expect(tab.get_by_role("timer")).to_have_text("No tick yet")
    route.send(tick(1))
    expect(tab.get_by_role("timer")).to_have_text("Last tick: 10:00:01.000 UTC")
    expect(tab.locator("#gap")).to_have_text("The first tick of this connection.")
    route.send(tick(11.5))
    expect(tab.get_by_role("timer")).to_have_text("Last tick: 10:00:11.500 UTC")
    expect(tab.locator("#gap")).to_have_text("10.50 s after the one before")


def test_a_gap_is_drawn_as_wide_as_it_is_long(tab: Page) -> None:
    [route] = play(tab)

    for seconds in (0, 10, 40):
        route.send(tick(seconds))

    expect(tab.locator("#gaps i")).to_have_count(2)
    first, second = widths(tab)
    assert second == pytest.approx(3 * first, rel=0.1)


def test_only_the_last_ten_gaps_are_kept(tab: Page) -> None:
    [route] = play(tab)

    for seconds in range(14):
        route.send(tick(seconds))

    expect(tab.get_by_role("timer")).to_have_text("Last tick: 10:00:13.000 UTC")
    expect(tab.locator("#gaps i")).to_have_count(10)


def test_each_connection_has_a_clock_of_its_own(tab: Page) -> None:
    routes = play(tab)
    routes[0].send(tick(1))
    routes[0].send(tick(2))
    expect(tab.locator("#gaps i")).to_have_count(1)

    tab.get_by_role("button", name="Reconnect").click()
    expect(entries(tab, "note")).to_have_count(2)
    routes[1].send(tick(30))

    expect(tab.locator("#gap")).to_have_text("The first tick of this connection.")
    expect(tab.locator("#gaps i")).to_have_count(0)


@pytest.mark.parametrize(
    "message", ["It is: late", "It is: ", "Message text was: It is: 2026-05-04", b"It"]
)
def test_what_is_no_time_is_no_tick(tab: Page, message: str | bytes) -> None:
    [route] = play(tab)

    route.send(message)

    expect(entries(tab, "received")).to_have_count(1)
    expect(entries(tab, "tick")).to_have_count(0)
    expect(tab.get_by_role("timer")).to_have_text("No tick yet")


def test_the_page_asks_for_nothing_but_its_socket(tab: Page, ticking: Server) -> None:
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("websocket", lambda websocket: requests.append(websocket.url))
    visit(tab, ticking.http)
    expect(entries(tab, "tick")).not_to_have_count(0)

    there = [url for url in requests if not url.startswith("data:")]
    assert there == [f"{ticking.http}/", f"ws://127.0.0.1:{ticking.port}/ws"]


def test_320_pixels_are_wide_enough(tab: Page) -> None:
    tab.set_viewport_size({"width": 320, "height": 640})
    [route] = play(tab)
    assert overflow(tab) == 0

    for seconds in range(12):
        route.send(tick(seconds))

    expect(tab.locator("#gaps i")).to_have_count(10)
    assert overflow(tab) == 0
    assert min(widths(tab)) > 3  # the bar itself and not its end alone


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab: Page, scheme: Literal["light", "dark"]) -> None:
    tab.emulate_media(color_scheme=scheme)
    [route] = play(tab)
    for seconds in (0, 10, 20):
        route.send(tick(seconds))
    tab.get_by_label("Message").fill("hello")
    tab.get_by_role("button", name="Send text").click()
    expect(entries(tab, "tick")).to_have_count(3)
    expect(entries(tab, "sent")).to_have_count(1)

    found = axe.run(tab).response["violations"]

    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_ticks_stand_out_in_dark_and_in_light(tab: Page) -> None:
    [route] = play(tab)
    route.send(tick(0))
    route.send("Message text was: hello")
    expect(entries(tab, "received")).to_have_count(2)

    def ground(kind: str) -> str:
        colour = "(entry) => getComputedStyle(entry).backgroundColor"
        return entries(tab, kind).first.evaluate(colour)

    seen: set[str] = set()
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        seen |= {ground("tick"), ground("received:not(.tick)")}
    assert len(seen) == 4
