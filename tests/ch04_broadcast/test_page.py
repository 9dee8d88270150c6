"""The page of chapter 4 in a real Chromium: two people, and what strangers say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser import DEADLINE, ROOT, MortalServer, import_or_skip
from workbook.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocket, WebSocketRoute

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)
axe = import_or_skip("axe_playwright_python.sync_playwright").Axe()

PAGE = ROOT / "chapters" / "ch04_broadcast" / "page.html"

RUN = "window.ran = true"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"<img src=/x onerror='{RUN}'>",
    f"<svg onload='{RUN}'>",
    f"<svg><script>{RUN}</script></svg>",
    "<iframe srcdoc='<script>parent.ran = true</script>'>",
    "<iframe src='javascript:parent.ran = true'></iframe>",
    f"<a href='javascript:{RUN}' autofocus onfocus='{RUN}'>here</a>",
    f"<input autofocus onfocus='{RUN}'>",
    f"<details open ontoggle='{RUN}'>",
    f"<video><source onerror='{RUN}'></video>",
    f"<style>@keyframes x {{}}</style><p style='animation:x' onanimationend='{RUN}'>",
    f'"><script>{RUN}</script>',
    f"'-({RUN})-'${{{RUN}}}",
    f"</template></p></section><script type='module'>{RUN}</script>",
    f"\\u003cimg src=x onerror='{RUN}'\\u003e &lt;img src=x onerror='{RUN}'&gt;",
]


@pytest.fixture(scope="module")
def page_server() -> Iterator[Server]:
    with Server(PAGE.with_name("app.py")) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with MortalServer("chapters.ch04_broadcast.app:app") as server:
        yield server


def people(tab: Page) -> list[Locator]:
    names = ["First person", "Second person"]
    return [tab.get_by_role("region", name=name) for name in names]


def visit(tab: Page, url: str) -> list[Locator]:
    """Both people, connected."""
    tab.goto(url)
    both = people(tab)
    for person in both:
        expect(person.get_by_role("status")).to_have_text("Connected")
    return both


def play(tab: Page) -> tuple[list[Locator], list[WebSocketRoute]]:
    """The page from https; what its sockets are sent, the test says."""
    routes: list[WebSocketRoute] = []
    tab.route("https://workbook.test/", lambda route: route.fulfill(path=PAGE))
    tab.route_web_socket(re.compile("/ws"), lambda route: routes.append(route))
    return visit(tab, "https://workbook.test/"), routes


def say(person: Locator, text: str, button: str = "Send text") -> None:
    person.get_by_label("Message").fill(text)
    person.get_by_role("button", name=button).click()


def rename(person: Locator, name: str) -> None:
    """Connect again under this name."""
    connections = entries(person, "note").count()
    person.get_by_label("Name").fill(name)
    person.get_by_label("Name").press("Enter")
    expect(entries(person, "note")).to_have_count(connections + 1)


def entries(person: Locator, kind: str) -> Locator:
    return person.get_by_role("log").locator(f".{kind}")


def facts(person: Locator, kind: str) -> list[str]:
    """What stands over the newest entry of this kind."""
    spans = entries(person, kind).last.locator(".facts").first.locator("span")
    return spans.all_inner_texts()


def requests_of(tab: Page) -> list[str]:
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("websocket", lambda websocket: requests.append(websocket.url))
    return requests


def test_two_people_talk(tab: Page, page_server: Server) -> None:
    ana, bo = visit(tab, page_server.http)

    say(ana, "Grüße")
    expect(entries(bo, "received").locator(".who")).to_have_text("ana")
    expect(entries(bo, "received").locator(".payload")).to_have_text("Grüße")
    say(bo, "")
    expect(entries(ana, "received").locator(".who")).to_have_text("bo")

    # Each was sent one frame, and neither heard itself.
    for person in (ana, bo):
        expect(entries(person, "sent")).to_have_count(1)
        expect(entries(person, "received")).to_have_count(1)
    frame = json.dumps({"username": "ana", "message": "Grüße"})
    assert facts(ana, "sent")[:3] == ["↑ sent", "text", "7 bytes"]
    assert facts(bo, "received")[:3] == ["↓ received", "text", f"{len(frame)} bytes"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", facts(bo, "received")[3])
    expect(ana.get_by_label("Message")).to_have_value("")


def test_no_script_runs_and_text_is_shown_as_text(
    tab: Page, page_server: Server
) -> None:
    requests = requests_of(tab)
    ana, bo = visit(tab, page_server.http)

    for payload in PAYLOADS:
        rename(ana, payload)
        say(ana, payload)

    expect(entries(bo, "received").locator(".who")).to_have_text(PAYLOADS)
    expect(entries(bo, "received").locator(".payload")).to_have_text(PAYLOADS)
    expect(entries(ana, "sent").locator(".payload")).to_have_text(PAYLOADS)
    tab.wait_for_function("() => new Promise(requestAnimationFrame)")
    assert tab.evaluate("window.ran") is None
    assert tab.locator("[role=log] :not(div, p, span)").count() == 0
    assert tab.locator("script").count() == 1
    sockets = page_server.http.replace("http", "ws") + "/ws?"
    others = [url for url in requests if not url.startswith((sockets, "data:"))]
    assert others == [f"{page_server.http}/"]


@pytest.mark.parametrize("said", ["error", "message", "username", "other", "none"])
def test_what_a_server_says_is_shown_as_text(tab: Page, said: str) -> None:
    (ana, _), routes = play(tab)
    hostile = PAYLOADS[1]
    whole = hostile if said == "none" else json.dumps({said: hostile})

    routes[0].send(whole)

    shown = hostile if said in ("error", "message") else whole
    kind = "failed" if said == "error" else "received:not(.failed)"
    expect(entries(ana, kind).locator(".payload")).to_have_text(shown)
    routes[0].close(code=4000, reason=hostile)
    expect(entries(ana, "closed")).to_contain_text("reason: " + json.dumps(hostile))
    assert tab.get_by_role("log").locator("img").count() == 0
    assert tab.evaluate("window.ran") is None


def test_what_is_no_object_is_shown_as_it_came(tab: Page) -> None:
    (ana, _), routes = play(tab)
    texts = ["", "null", "7", '"text"', "[1]", "{", "{}", '{"message": 7}']

    for text in texts:
        routes[0].send(text)
    routes[0].send(b"\x01\xff")

    shown = [*texts[:-1], "7", "01 ff"]
    expect(entries(ana, "received").locator(".payload")).to_have_text(shown)


def test_a_name_arrives_as_it_was_typed(tab: Page, page_server: Server) -> None:
    ana, bo = visit(tab, page_server.http)

    for name in ("a&b=c#d +%41?", "Zoë 👋", ""):
        rename(ana, name)
        say(ana, "It is me")
        shown = name or "Anonymous"
        expect(entries(bo, "received").locator(".who").last).to_have_text(shown)


def test_a_page_from_https_opens_wss_sockets_under_two_names(tab: Page) -> None:
    _, routes = play(tab)

    names = [f"wss://workbook.test/ws?username={name}" for name in ("ana", "bo")]
    assert [route.url for route in routes] == names


def test_reconnecting_doubles_nothing(tab: Page, page_server: Server) -> None:
    sent: list[str | bytes] = []

    def watch(websocket: WebSocket) -> None:
        websocket.on("framesent", lambda payload: sent.append(payload))

    tab.on("websocket", watch)
    ana, bo = visit(tab, page_server.http)
    for connections in range(2, 5):
        for person in (ana, bo):
            person.get_by_role("button", name="Reconnect").click()
            expect(entries(person, "note")).to_have_count(connections)

    say(ana, "once")
    say(ana, "and the last")

    expect(entries(bo, "received").last).to_contain_text("and the last")
    assert sent == ["once", "and the last"]
    expect(entries(ana, "sent")).to_have_count(2)
    expect(entries(bo, "received")).to_have_count(2)
    expect(entries(ana, "closed")).to_have_count(3)


def test_a_lost_server_is_found_again_after_growing_random_waits(
    tab: Page, mortal: MortalServer
) -> None:
    tab.add_init_script("Math.random = () => 0.5;")
    tab.clock.install(time=0)
    ana, bo = visit(tab, mortal.http)
    tab.clock.pause_at(60_000)

    mortal.kill()

    for number, most in enumerate([1, 2, 4, 8, 16, 30, 30], start=1):
        note = f"try {number} in {most / 2:.1f} s, drawn from 0 to {most:.1f} s"
        for person in (ana, bo):
            expect(entries(person, "note").last).to_contain_text(note)
            why = "Connection lost" if number == 1 else "Could not connect"
            expect(person.get_by_role("status")).to_have_text(why)
        if number == 7:
            mortal.start()
        tab.clock.run_for(most * 500)

    for person in (ana, bo):
        expect(person.get_by_role("status")).to_have_text("Connected")
    say(ana, "back")
    expect(entries(bo, "received")).to_contain_text("back")


def test_a_close_is_named_and_the_other_stays(tab: Page, page_server: Server) -> None:
    ana, bo = visit(tab, page_server.http)

    say(ana, "hi", "Send binary")

    closed = entries(ana, "closed")
    expect(closed.locator(".code")).to_have_text("1003 Unsupported Data")
    expect(closed).to_contain_text('reason: "this socket takes text only"')
    expect(ana.get_by_role("status")).to_have_text("Closed: 1003 Unsupported Data")
    assert facts(ana, "sent")[:3] == ["↑ sent", "binary", "2 bytes"]
    say(ana, "not lost")
    expect(ana.get_by_role("alert")).to_contain_text("Not sent")
    expect(ana.get_by_label("Message")).to_have_value("not lost")
    bo.get_by_role("button", name="Disconnect").click()
    expect(bo.get_by_role("status")).to_have_text("Closed: 1000 Normal Closure")
    expect(entries(bo, "received")).to_have_count(0)


def test_a_keyboard_is_enough(tab: Page, page_server: Server) -> None:
    ana, bo = visit(tab, page_server.http)
    expect(ana.get_by_label("Message")).to_be_focused()

    tab.keyboard.type("hello")
    tab.keyboard.press("Enter")
    expect(entries(bo, "received")).to_have_count(1)
    tab_to(tab, bo.get_by_label("Name"))
    tab.keyboard.type("cy")  # it was selected: a field that Tab leads to is
    tab.keyboard.press("Enter")
    expect(entries(bo, "note")).to_have_count(2)
    tab_to(tab, bo.get_by_role("button", name="Disconnect"))
    tab.keyboard.press("Space")
    expect(bo.get_by_role("status")).to_have_text("Closed: 1000 Normal Closure")
    tab_to(tab, ana.get_by_role("log"), back=True)


def tab_to(tab: Page, element: Locator, *, back: bool = False) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(20):
        if element.evaluate("(element) => element === document.activeElement"):
            return
        tab.keyboard.press("Shift+Tab" if back else "Tab")
    pytest.fail(f"no Tab leads to {element}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_320_pixels_are_wide_enough(
    tab: Page, scheme: Literal["light", "dark"]
) -> None:
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 320, "height": 640})
    (ana, bo), routes = play(tab)
    routes[0].send(json.dumps({"username": "x" * 99, "message": "y" * 999}))
    routes[0].send(json.dumps({"error": "not passed on"}))
    say(ana, "hello")
    routes[1].close(code=4000, reason="z" * 99)
    say(bo, "not sent")
    expect(entries(ana, "failed")).to_have_count(1)
    expect(entries(bo, "closed")).to_have_count(1)
    tab.get_by_text("What the close codes mean").click()

    for width in (320, 1200):
        tab.set_viewport_size({"width": width, "height": 640})
        assert overflow(tab) == 0
        found = axe.run(tab).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def overflow(tab: Page) -> int:
    """Pixels by which the page or something in it is wider than it is seen to be."""
    return tab.evaluate(
        """Math.max(...document.querySelectorAll("html, section, form, [role=log]")
            .values().map((element) => element.scrollWidth - element.clientWidth))"""
    )


def test_each_kind_has_a_ground_of_its_own_in_dark_and_in_light(tab: Page) -> None:
    (ana, _), routes = play(tab)
    routes[0].send("hello")
    routes[0].send(json.dumps({"error": "not passed on"}))
    say(ana, "hello")
    expect(entries(ana, "entry")).to_have_count(4)

    def ground(kind: str) -> str:
        colour = "(entry) => getComputedStyle(entry).backgroundColor"
        return entries(ana, kind).first.evaluate(colour)

    seen: set[str] = set()
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        seen |= {ground(kind) for kind in ("received:not(.failed)", "failed", "sent")}
    assert len(seen) == 6


def test_the_page_asks_for_nothing_but_its_sockets(
    tab: Page, page_server: Server
) -> None:
    requests = requests_of(tab)
    ana, bo = visit(tab, page_server.http)
    say(ana, "hello")
    expect(entries(bo, "received")).to_have_count(1)

    there = [url for url in requests if not url.startswith("data:")]
    socket = f"ws://127.0.0.1:{page_server.port}/ws?username="
    assert there == [f"{page_server.http}/", f"{socket}ana", f"{socket}bo"]
