"""The page of chapter 1 in a real Chromium, against the real app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from tests.browser import DEADLINE, ROOT, MortalServer, import_or_skip
from workbook.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocket, WebSocketRoute

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)
axe = import_or_skip("axe_playwright_python.sync_playwright").Axe()

PAGE = ROOT / "chapters" / "ch01_echo" / "page.html"
CLOSING_APP = Path(__file__).with_name("closing_app.py")

CODES = [
    "1000 Normal Closure",
    "1001 Going Away",
    "1002 Protocol Error",
    "1003 Unsupported Data",
    "1004 Reserved",
    "1005 No Status Received",
    "1006 Abnormal Closure",
    "1007 Invalid Payload Data",
    "1008 Policy Violation",
    "1009 Message Too Big",
    "1010 Mandatory Extension",
    "1011 Internal Error",
    "1012 Service Restart",
    "1013 Try Again Later",
    "1014 Bad Gateway",
    "1015 TLS Handshake",
    "1016–2999 Reserved for the protocol",
    "3000–3999 Registered",
    "4000–4999 Private Use",
]
"""The names of RFC 6455 section 7.4 and of IANA's registry."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(PAGE.with_name("app.py")) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def closing_server() -> Iterator[Server]:
    """It ends a conversation as it is told, and has no /ws/raw."""
    with Server(CLOSING_APP) as server:
        yield server


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with MortalServer("chapters.ch01_echo.app:app") as server:
        yield server


def visit(tab: Page, url: str) -> None:
    tab.goto(url)
    expect(tab.get_by_role("status")).to_have_text("Connected")


def send(tab: Page, text: str, button: str = "Send text") -> None:
    tab.get_by_label("Message").fill(text)
    tab.get_by_role("button", name=button).click()


def choose(tab: Page, path: str) -> None:
    tab.get_by_role("radio", name=path).check()
    address = re.compile(re.escape(path) + "$")
    expect(tab.locator("#detail")).to_have_text(address)
    expect(tab.get_by_role("status")).to_have_text("Connected")


def entries(tab: Page, kind: str) -> Locator:
    return tab.get_by_role("log").locator(f".{kind}")


def facts(tab: Page, kind: str) -> list[str]:
    """What stands over the newest entry of this kind."""
    spans = entries(tab, kind).last.locator(".facts").first.locator("span")
    return spans.all_inner_texts()


def frames_sent(tab: Page) -> list[str | bytes]:
    """The frames that Chromium itself sees go, on any socket of the tab."""
    sent: list[str | bytes] = []

    def watch(websocket: WebSocket) -> None:
        websocket.on("framesent", lambda payload: sent.append(payload))

    tab.on("websocket", watch)
    return sent


def tab_to(tab: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus."""
    for _ in range(20):
        focus = tab.locator(":focus")
        if focus.count() and name in focus.aria_snapshot().partition("\n")[0]:
            return
        tab.keyboard.press("Tab")
    pytest.fail(f"no Tab leads to {name}")


def violations(tab: Page) -> list[tuple[str, list[str]]]:
    found = axe.run(tab).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def overflow(tab: Page) -> int:
    """Pixels by which the page or its log is wider than what is seen of it."""
    return tab.evaluate(
        """Math.max(...[document.documentElement, document.querySelector("[role=log]")]
            .map((element) => element.scrollWidth - element.clientWidth))"""
    )


def test_a_text_frame_is_shown_going_and_coming(tab: Page, server: Server) -> None:
    visit(tab, server.http)

    send(tab, "Grüße")

    expect(entries(tab, "received")).to_contain_text("Message text was: Grüße")
    expect(entries(tab, "sent").locator(".payload")).to_have_text("Grüße")
    assert facts(tab, "sent")[:3] == ["↑ sent", "text", "7 bytes"]
    assert facts(tab, "received")[:3] == ["↓ received", "text", "25 bytes"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", facts(tab, "sent")[3])
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", facts(tab, "received")[3])
    expect(tab.get_by_label("Message")).to_have_value("")


def test_an_empty_message_is_sent_and_seen(tab: Page, server: Server) -> None:
    visit(tab, server.http)

    send(tab, "")

    expect(entries(tab, "received")).to_have_count(1)
    assert facts(tab, "sent")[:3] == ["↑ sent", "text", "0 bytes"]


def test_a_long_message_is_counted_whole_and_shown_in_part(
    tab: Page, server: Server
) -> None:
    visit(tab, server.http)

    send(tab, "x" * 200_000)

    expect(entries(tab, "received")).to_have_count(1)
    assert facts(tab, "sent")[2] == "200000 bytes"
    shown = entries(tab, "sent").locator(".payload").inner_text()
    assert shown == "x" * 1000 + " …"


def test_a_binary_frame_to_ws_shows_1003_and_its_name(
    tab: Page, server: Server
) -> None:
    visit(tab, server.http)

    send(tab, "hi", "Send binary")

    closed = entries(tab, "closed")
    expect(closed.locator(".code")).to_have_text("1003 Unsupported Data")
    expect(closed).to_contain_text('reason: "this socket takes text only"')
    expect(closed).to_contain_text("wasClean: true")
    expect(tab.get_by_role("status")).to_have_text("Closed: 1003 Unsupported Data")
    assert facts(tab, "sent")[:3] == ["↑ sent", "binary", "2 bytes"]


def test_ws_raw_gives_text_as_text_and_binary_as_binary(
    tab: Page, server: Server
) -> None:
    visit(tab, server.http)
    choose(tab, "/ws/raw")

    send(tab, "é", "Send binary")

    expect(entries(tab, "received").locator(".payload")).to_have_text("c3 a9")
    assert facts(tab, "received")[:3] == ["↓ received", "binary", "2 bytes"]

    send(tab, "é")

    expect(entries(tab, "received").locator(".payload").last).to_have_text("é")
    assert facts(tab, "received")[:3] == ["↓ received", "text", "2 bytes"]


def test_every_close_code_is_explained(tab: Page, server: Server) -> None:
    visit(tab, server.http)
    tab.get_by_text("What the close codes mean").click()

    assert tab.get_by_role("term").all_inner_texts() == CODES
    assert all(tab.get_by_role("definition").all_inner_texts())
    for code in tab.locator("[data-codes]").all():
        numbers = code.get_attribute("data-codes") or ""
        name = code.get_by_role("term").inner_text()
        assert name.startswith(numbers.replace("-", "–") + " ")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1000, "Normal Closure"),
        (1011, "Internal Error"),
        (3999, "Registered"),
        (4000, "Private Use"),
    ],
)
def test_a_close_is_shown_with_code_name_and_reason(
    tab: Page, closing_server: Server, code: int, name: str
) -> None:
    visit(tab, closing_server.http)

    send(tab, f"close {code} so it is")

    closed = entries(tab, "closed")
    expect(closed.locator(".code")).to_have_text(f"{code} {name}")
    expect(closed).to_contain_text('reason: "so it is", wasClean: true')


def test_a_handler_that_returns_without_close_shows_1006(
    tab: Page, closing_server: Server
) -> None:
    visit(tab, closing_server.http)

    send(tab, "return")

    expect(entries(tab, "closed").locator(".code")).to_have_text(
        "1006 Abnormal Closure"
    )
    expect(entries(tab, "closed")).to_contain_text("wasClean: false")
    assert facts(tab, "closed")[0] == "closed"


def test_a_path_without_a_socket_shows_that_it_never_opened(
    tab: Page, closing_server: Server
) -> None:
    visit(tab, closing_server.http)

    tab.get_by_role("radio", name="/ws/raw").check()

    refused = entries(tab, "closed").filter(has_text="1006 Abnormal Closure").first
    expect(refused).to_contain_text("closed before it opened")


def test_the_reconnect_button_starts_a_new_conversation(
    tab: Page, server: Server
) -> None:
    visit(tab, server.http)
    send(tab, "hi", "Send binary")
    expect(entries(tab, "closed")).to_have_count(1)

    tab.get_by_role("button", name="Reconnect").click()

    expect(tab.get_by_role("status")).to_have_text("Connected")
    send(tab, "again")
    expect(entries(tab, "received")).to_contain_text("Message text was: again")


def test_reconnecting_does_not_send_a_message_twice(tab: Page, server: Server) -> None:
    sent = frames_sent(tab)
    visit(tab, server.http)
    for connections in range(2, 5):
        tab.get_by_role("button", name="Reconnect").click()
        expect(entries(tab, "note")).to_have_count(connections)

    send(tab, "once")
    send(tab, "and the last")

    expect(entries(tab, "received").last).to_contain_text("and the last")
    assert sent == ["once", "and the last"]
    expect(entries(tab, "sent")).to_have_count(2)
    expect(entries(tab, "received")).to_have_count(2)


def test_a_lost_connection_comes_back_after_growing_random_waits(
    tab: Page, mortal: MortalServer
) -> None:
    draws = [0.5, 0.3, 0.75, 0.25, 0.875, 0.6, 0.4]
    tab.add_init_script(f"const draws = {draws}; Math.random = () => draws.shift();")
    tab.clock.install(time=0)
    visit(tab, mortal.http)
    tab.clock.pause_at(60_000)

    mortal.kill()

    longest = [1, 2, 4, 8, 16, 30, 30]
    for number, (draw, most) in enumerate(zip(draws, longest, strict=True), start=1):
        expect(tab.locator("#detail")).to_have_text(f"Next try in {draw * most:.1f} s")
        expect(entries(tab, "note").last).to_contain_text(
            f"try {number} in {draw * most:.1f} s, drawn from 0 to {most:.1f} s"
        )
        why = "Connection lost" if number == 1 else "Could not connect"
        expect(tab.get_by_role("status")).to_have_text(why)
        if number == len(draws):
            mortal.start()
        tab.clock.run_for(round(draw * most * 1000))

    expect(tab.get_by_role("status")).to_have_text("Connected")
    send(tab, "back")
    expect(entries(tab, "received")).to_contain_text("Message text was: back")


def test_waits_grow_until_a_connection_has_held(
    tab: Page, closing_server: Server
) -> None:
    tab.add_init_script("Math.random = () => 0.5;")
    tab.clock.install(time=0)
    visit(tab, closing_server.http)
    tab.clock.pause_at(60_000)

    send(tab, "return")
    expect(entries(tab, "note").last).to_contain_text("try 1 in 0.5 s")
    tab.clock.run_for(500)
    expect(tab.get_by_role("status")).to_have_text("Connected")
    tab.clock.run_for(4_000)
    send(tab, "return")

    expect(entries(tab, "note").last).to_contain_text("try 2 in 1.0 s")

    tab.clock.run_for(1_000)
    expect(tab.get_by_role("status")).to_have_text("Connected")
    tab.clock.run_for(6_000)
    send(tab, "return")

    expect(entries(tab, "note").last).to_contain_text("try 1 in 0.5 s")


def test_who_disconnects_stays_disconnected(tab: Page, server: Server) -> None:
    sockets: list[WebSocket] = []
    tab.on("websocket", lambda websocket: sockets.append(websocket))
    tab.clock.install(time=0)
    visit(tab, server.http)
    tab.clock.pause_at(60_000)

    tab.get_by_role("button", name="Disconnect").click()

    expect(tab.get_by_role("status")).to_have_text("Closed: 1000 Normal Closure")
    tab.clock.run_for(120_000)
    assert len(sockets) == 1

    tab.get_by_role("button", name="Reconnect").click()

    expect(tab.get_by_role("status")).to_have_text("Connected")
    assert len(sockets) == 2


def test_disconnect_also_ends_the_waiting(tab: Page, closing_server: Server) -> None:
    sockets: list[WebSocket] = []
    tab.on("websocket", lambda websocket: sockets.append(websocket))
    tab.clock.install(time=0)
    visit(tab, closing_server.http)
    tab.clock.pause_at(60_000)
    send(tab, "return")
    expect(tab.get_by_role("status")).to_have_text("Connection lost")

    tab.get_by_role("button", name="Disconnect").click()
    tab.clock.run_for(120_000)

    expect(tab.get_by_role("status")).to_have_text("Not connected")
    assert len(sockets) == 1


def test_what_is_typed_while_disconnected_is_kept(tab: Page, server: Server) -> None:
    sent = frames_sent(tab)
    visit(tab, server.http)
    tab.get_by_role("button", name="Disconnect").click()
    expect(tab.get_by_role("status")).to_have_text("Closed: 1000 Normal Closure")

    send(tab, "not lost")

    expect(tab.get_by_role("alert")).to_contain_text("Not sent")
    expect(tab.get_by_label("Message")).to_have_value("not lost")
    expect(entries(tab, "sent")).to_have_count(0)

    tab.get_by_role("button", name="Reconnect").click()
    expect(tab.get_by_role("status")).to_have_text("Connected")
    expect(tab.get_by_role("alert")).to_be_hidden()
    tab.get_by_role("button", name="Send text").click()

    expect(entries(tab, "received")).to_contain_text("Message text was: not lost")
    assert sent == ["not lost"]


def test_html_in_a_message_is_shown_as_text(tab: Page, server: Server) -> None:
    visit(tab, server.http)
    hostile = [
        "<img src=/x onerror='window.ran = true'>",
        "<script>window.ran = true</script>",
        "</p><b>bold</b> &amp; <!-- gone",
    ]

    for text in hostile:
        send(tab, text)

    answers = [f"Message text was: {text}" for text in hostile]
    expect(entries(tab, "received").locator(".payload")).to_have_text(answers)
    expect(entries(tab, "sent").locator(".payload")).to_have_text(hostile)
    assert tab.get_by_role("log").locator("img, script, b").count() == 0
    assert tab.evaluate("window.ran") is None


def test_html_in_a_close_reason_is_shown_as_text(
    tab: Page, closing_server: Server
) -> None:
    visit(tab, closing_server.http)

    send(tab, "close 4000 <img src=/x onerror='window.ran = true'>")

    expect(entries(tab, "closed")).to_contain_text('reason: "<img src=/x onerror=')
    assert tab.get_by_role("log").locator("img").count() == 0
    assert tab.evaluate("window.ran") is None


def test_the_address_of_the_socket_comes_from_the_page(
    tab: Page, server: Server
) -> None:
    visit(tab, f"http://localhost:{server.port}/?a=b#c")

    expect(tab.locator("#detail")).to_have_text(f"ws://localhost:{server.port}/ws")


def test_a_page_from_https_opens_a_wss_socket(tab: Page) -> None:
    # A stand-in, for want of a certificate that this browser would trust.
    sockets: list[str] = []

    def answer(websocket: WebSocketRoute) -> None:
        sockets.append(websocket.url)

    tab.route("https://workbook.test/", lambda route: route.fulfill(path=PAGE))
    tab.route_web_socket(re.compile("^wss?:"), answer)

    visit(tab, "https://workbook.test/")

    assert sockets == ["wss://workbook.test/ws"]


def test_the_source_names_no_host_and_writes_no_html() -> None:
    source = PAGE.read_text(encoding="utf-8")

    found = re.findall(
        r"\w+://|localhost|127\.0\.0\.1|@import|url\("
        r"|\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(",
        source,
    )

    assert found == []


def test_the_page_has_an_icon_of_its_own() -> None:
    # This browser has no tabs to put one in, so it never asks for /favicon.ico.
    assert '<link rel="icon" href="data:,">' in PAGE.read_text(encoding="utf-8")


def test_no_request_leaves_the_machine(tab: Page, server: Server) -> None:
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("websocket", lambda websocket: requests.append(websocket.url))
    visit(tab, server.http)

    send(tab, "hello")
    send(tab, "hello", "Send binary")
    expect(entries(tab, "closed")).to_have_count(1)
    tab.get_by_text("What the close codes mean").click()

    there = [url for url in requests if urlsplit(url).scheme != "data"]
    assert there == [f"{server.http}/", f"ws://127.0.0.1:{server.port}/ws"]


def test_a_keyboard_is_enough(tab: Page, server: Server) -> None:
    visit(tab, server.http)
    press = tab.keyboard.press
    expect(tab.get_by_label("Message")).to_be_focused()  # from the start

    tab.keyboard.type("hello")
    press("Enter")
    expect(entries(tab, "received").last).to_contain_text("Message text was: hello")

    tab_to(tab, "/ws takes text")
    press("ArrowRight")
    expect(tab.locator("#detail")).to_have_text(re.compile("/ws/raw$"))
    expect(tab.get_by_role("status")).to_have_text("Connected")

    tab_to(tab, "Message")
    tab.keyboard.type("hi")
    tab_to(tab, "Send binary")
    press("Enter")
    expect(entries(tab, "received").last).to_contain_text("68 69")
    expect(tab.get_by_label("Message")).to_be_focused()

    tab_to(tab, "Disconnect")
    press("Space")
    expect(tab.get_by_role("status")).to_have_text("Closed: 1000 Normal Closure")

    tab_to(tab, "Reconnect")
    press("Enter")
    expect(tab.get_by_role("status")).to_have_text("Connected")

    tab_to(tab, "What the close codes mean")
    press("Enter")
    expect(tab.get_by_text("Unsupported Data")).to_be_visible()


def test_what_has_the_focus_is_outlined(tab: Page, server: Server) -> None:
    visit(tab, server.http)
    outline = "getComputedStyle(document.activeElement).outlineStyle"

    for name in ["Message", "Send text", "Reconnect", "/ws takes text", "log"]:
        tab_to(tab, name)
        assert tab.evaluate(outline) == "solid", name


def test_320_pixels_are_wide_enough(tab: Page, server: Server) -> None:
    tab.set_viewport_size({"width": 320, "height": 640})
    visit(tab, server.http)
    assert overflow(tab) == 0

    send(tab, "w" * 300)
    expect(entries(tab, "received")).to_have_count(1)
    tab.get_by_text("What the close codes mean").click()
    assert overflow(tab) == 0

    send(tab, "w" * 300, "Send binary")
    expect(tab.get_by_role("status")).to_have_text("Closed: 1003 Unsupported Data")
    send(tab, "kept")
    expect(tab.get_by_role("alert")).to_be_visible()
    assert overflow(tab) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    tab: Page, closing_server: Server, scheme: Literal["light", "dark"]
) -> None:
    tab.emulate_media(color_scheme=scheme)
    tab.add_init_script("Math.random = () => 1000;")  # a wait that outlasts axe
    visit(tab, closing_server.http)
    send(tab, "hello")
    send(tab, "")
    expect(entries(tab, "received")).to_have_count(2)
    assert violations(tab) == []

    send(tab, "close 1003 text only")
    expect(tab.get_by_role("status")).to_have_text("Closed: 1003 Unsupported Data")
    send(tab, "kept")
    tab.get_by_text("What the close codes mean").click()
    assert violations(tab) == []

    tab.get_by_role("button", name="Reconnect").click()
    expect(tab.get_by_role("status")).to_have_text("Connected")
    send(tab, "return")
    expect(tab.get_by_role("status")).to_have_text("Connection lost")
    assert violations(tab) == []


def test_dark_is_dark_and_light_is_light(tab: Page, server: Server) -> None:
    visit(tab, server.http)
    ground = (
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )

    tab.emulate_media(color_scheme="light")
    light = tab.evaluate(ground)
    tab.emulate_media(color_scheme="dark")
    dark = tab.evaluate(ground)

    assert min(light) > 200
    assert max(dark) < 60
