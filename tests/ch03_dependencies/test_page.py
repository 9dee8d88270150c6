"""The page of chapter 3 in a real Chromium, against the real app.

What it shares with chapter 1's page is tested there: frames, codes, waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser import DEADLINE, ROOT, MortalServer, import_or_skip
from tests.ch03_dependencies.conftest import COOKIE
from tests.waiting import wait_until
from workbook.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request, WebSocket, WebSocketRoute

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)
axe = import_or_skip("axe_playwright_python.sync_playwright").Axe()

CHAPTER = ROOT / "chapters" / "ch03_dependencies"
SOLUTIONS = ROOT / "solutions" / "ch03_dependencies"
APPS = Path(__file__).with_name("apps")
TOKEN = "SECRET_API_TOKEN"

CONNECT = """
([url, ...protocols]) => new Promise((resolve) => {
  const socket = new WebSocket(url, ...protocols);
  const seen = [];
  for (const type of ["open", "message", "close"]) {
    socket.addEventListener(type, ({ data, code, reason, wasClean }) => {
      seen.push({ type, data, code, reason, wasClean });
      if (type === "message") socket.close(1000);
      if (type === "close") resolve(seen);
    });
  }
})
"""
"""A socket from a page's script, with all that the script is told of it."""


@pytest.fixture(scope="module")
def page_server() -> Iterator[Server]:
    with Server(CHAPTER / "app.py") as server:
        yield server
        assert "Traceback" not in server.log
        assert TOKEN not in server.log


@pytest.fixture
def mortal() -> Iterator[MortalServer]:
    with MortalServer("chapters.ch03_dependencies.app:app") as server:
        yield server


def log_in(tab: Page, url: str, token: str = TOKEN) -> None:
    tab.goto(url)
    tab.get_by_label("Token").fill(token)
    tab.get_by_role("button", name="Log in").click()


def status(tab: Page, text: str) -> None:
    expect(tab.get_by_role("status")).to_have_text(text)


def entries(tab: Page, kind: str) -> Locator:
    return tab.get_by_role("log").locator(f".{kind}")


def sockets_of(tab: Page) -> list[str]:
    """The addresses of the sockets that the tab opens from now on."""
    opened: list[str] = []

    def add(websocket: WebSocket) -> None:
        opened.append(websocket.url)

    tab.on("websocket", add)
    return opened


def test_a_stranger_is_told_why(tab: Page, page_server: Server) -> None:
    tab.goto(page_server.http)

    status(tab, "Refused: no cookie named token")
    closed = entries(tab, "closed")
    expect(closed).to_contain_text("closed before it opened")
    expect(closed).to_contain_text("1006 Abnormal Closure")
    expect(closed).to_contain_text('reason: "", wasClean: false')
    expect(entries(tab, "note")).to_contain_text(
        "GET /me, guarded by the same function, answers 403: no cookie named token"
    )
    expect(tab.get_by_label("Token")).to_be_focused()
    expect(tab.get_by_role("button", name="Log out")).to_be_hidden()


def test_who_logs_in_is_greeted(tab: Page, page_server: Server) -> None:
    log_in(tab, page_server.http)

    status(tab, "Connected")
    expect(entries(tab, "received")).to_contain_text("Hello, Anonymous!")
    expect(tab.get_by_label("Token")).to_be_hidden()
    tab.get_by_label("Message").fill("hello")
    tab.get_by_role("button", name="Send text").click()
    expect(entries(tab, "received").last).to_contain_text("Message text was: hello")
    assert tab.url == f"{page_server.http}/"


def test_a_wrong_token_is_said_to_be_wrong(tab: Page, page_server: Server) -> None:
    log_in(tab, page_server.http, "wrong")

    expect(tab.get_by_role("alert")).to_have_text("That token is wrong.")
    status(tab, "Refused: no cookie named token")
    assert tab.url == f"{page_server.http}/"

    tab.reload()
    status(tab, "Refused: no cookie named token")
    expect(tab.get_by_text("That token is wrong.")).to_be_hidden()


def test_who_logged_in_elsewhere_need_only_reconnect(
    tab: Page, page_server: Server
) -> None:
    tab.goto(page_server.http)
    status(tab, "Refused: no cookie named token")
    log_in(tab.context.new_page(), page_server.http)
    expect(tab.context.pages[1].get_by_role("status")).to_have_text("Connected")

    tab.get_by_role("button", name="Reconnect").click()

    status(tab, "Connected")
    expect(tab.get_by_label("Token")).to_be_hidden()


def test_who_logs_out_is_a_stranger_again(tab: Page, page_server: Server) -> None:
    log_in(tab, page_server.http)
    tab.get_by_role("button", name="Log out").click()

    status(tab, "Refused: no cookie named token")
    expect(tab.get_by_label("Token")).to_be_visible()
    assert tab.context.cookies() == []


def test_a_cookie_that_has_gone_bad_is_said_to_be(
    tab: Page, page_server: Server
) -> None:
    cookie: Any = {"name": "token", "value": "old", "url": page_server.http}
    tab.context.add_cookies([cookie])
    tab.goto(page_server.http)

    status(tab, "Refused: wrong token")


def test_no_script_holds_the_token(tab: Page, page_server: Server) -> None:
    log_in(tab, page_server.http)
    status(tab, "Connected")

    (cookie,) = tab.context.cookies()
    assert cookie.get("value") == TOKEN
    assert cookie.get("httpOnly") is True
    assert cookie.get("sameSite") == "Lax"
    assert tab.evaluate("document.cookie") == ""
    assert tab.evaluate("Object.keys({...localStorage, ...sessionStorage})") == []
    assert TOKEN not in tab.content()
    script = (CHAPTER / "page.html").read_text("utf-8").partition("<script")[2]
    assert not re.search(r"cookie\b(?! goes)|storage|#token", script, re.I)


@pytest.mark.parametrize("name", ["Ana & Bo", "#?=%/+", "Zoë 👋", "<img src=x>"])
def test_a_name_arrives_as_it_was_typed(
    tab: Page, page_server: Server, name: str
) -> None:
    log_in(tab, page_server.http)
    status(tab, "Connected")

    tab.get_by_label("Name").fill(name)
    tab.get_by_role("button", name="Join").click()

    greeting = entries(tab, "received").last.locator(".payload")
    expect(greeting).to_have_text(f"Hello, {name}!")
    assert tab.get_by_role("log").locator("img").count() == 0


def test_the_token_is_in_no_address(tab: Page, page_server: Server) -> None:
    addresses = sockets_of(tab)
    requests: list[Request] = []
    tab.on("request", lambda request: requests.append(request))

    log_in(tab, page_server.http, "wrong")
    expect(tab.get_by_role("alert")).to_have_text("That token is wrong.")
    log_in(tab, page_server.http)
    status(tab, "Connected")

    addresses += [request.url for request in requests]
    assert f"{page_server.http}/login" in addresses
    assert f"{page_server.http}/me" in addresses
    assert not [url for url in addresses if "oken" in url or "wrong" in url]
    hosts = {urlsplit(url).netloc for url in addresses if not url.startswith("data:")}
    assert hosts == {urlsplit(page_server.http).netloc}


def test_a_cookie_of_another_host_does_not_come(tab: Page, page_server: Server) -> None:
    log_in(tab, page_server.http)
    status(tab, "Connected")

    tab.goto(f"http://localhost:{page_server.port}")

    status(tab, "Refused: no cookie named token")
    expect(tab.locator("#detail")).to_have_text(f"ws://localhost:{page_server.port}/ws")


def test_a_lost_server_is_no_refusal(tab: Page, mortal: MortalServer) -> None:
    tab.add_init_script("Math.random = () => 0.5;")
    log_in(tab, mortal.http)
    status(tab, "Connected")
    tab.clock.install(time=0)
    tab.reload()
    status(tab, "Connected")
    tab.clock.pause_at(60_000)

    mortal.kill()

    # No longer than each wait: else the clock might run into the next one.
    for number, said in ((1, "Connection lost"), (2, "Could not connect")):
        expect(entries(tab, "note").last).to_contain_text(f"try {number} in")
        status(tab, said)
        tab.clock.run_for(500 * number)
    expect(entries(tab, "note").last).to_contain_text("try 3 in 2.0 s")
    mortal.start()
    tab.clock.run_for(2_000)
    status(tab, "Connected")


def test_what_does_not_say_why_is_named(tab: Page) -> None:
    # Exercise 1 has no GET /me. Its page hands out the ticket, which is then lost.
    with Server(SOLUTIONS / "ex1_ticket.py") as server:
        tab.goto(server.http)
        status(tab, "Connected")
        tab.context.clear_cookies()
        tab.get_by_role("button", name="Reconnect").click()

        status(tab, "Refused")
        expect(entries(tab, "note").last).to_contain_text(
            "GET /me does not say why, it answers 404"
        )
        expect(tab.get_by_label("Token")).to_be_hidden()


def test_who_is_let_in_first_can_be_told_4401(tab: Page) -> None:
    with Server(SOLUTIONS / "ex4_expiry.py") as server:
        tab.goto(f"{server.http}/?seconds=-1")

        status(tab, "Closed: 4401 Private Use")
        expect(entries(tab, "closed")).to_contain_text("wasClean: true")


def test_a_page_from_https_opens_a_wss_socket(tab: Page) -> None:
    # A stand-in, for want of a certificate that this browser would trust.
    sockets: list[str] = []

    def answer(websocket: WebSocketRoute) -> None:
        sockets.append(websocket.url)

    page = CHAPTER / "page.html"
    tab.route("https://workbook.test/", lambda route: route.fulfill(path=page))
    tab.route_web_socket(re.compile("^wss?:"), answer)

    tab.goto("https://workbook.test/")
    status(tab, "Connected")

    assert sockets == ["wss://workbook.test/ws"]


def test_a_keyboard_is_enough(tab: Page, page_server: Server) -> None:
    tab.goto(page_server.http)
    status(tab, "Refused: no cookie named token")
    expect(tab.get_by_label("Token")).to_be_focused()

    tab.keyboard.type(TOKEN)
    tab.keyboard.press("Enter")
    status(tab, "Connected")

    tab_to(tab, "Name")
    tab.keyboard.type("ana")
    tab.keyboard.press("Enter")
    expect(entries(tab, "received").last).to_contain_text("Hello, ana!")

    tab_to(tab, "Log out")
    tab.keyboard.press("Space")
    status(tab, "Refused: no cookie named token")


def tab_to(tab: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus."""
    for _ in range(20):
        focus = tab.locator(":focus")
        if focus.count() and name in focus.aria_snapshot().partition("\n")[0]:
            return
        tab.keyboard.press("Tab")
    pytest.fail(f"no Tab leads to {name}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_320_pixels_are_wide_enough(
    tab: Page, page_server: Server, scheme: Any
) -> None:
    tab.emulate_media(color_scheme=scheme)
    tab.set_viewport_size({"width": 320, "height": 640})

    log_in(tab, page_server.http, "wrong")
    expect(tab.get_by_role("alert")).to_have_text("That token is wrong.")
    status(tab, "Refused: no cookie named token")
    assert (violations(tab), overflow(tab)) == ([], 0)

    log_in(tab, page_server.http)
    status(tab, "Connected")
    tab.get_by_label("Name").fill("A" * 100)
    tab.get_by_role("button", name="Join").click()
    expect(entries(tab, "received").last).to_contain_text("AAA!")
    assert (violations(tab), overflow(tab)) == ([], 0)


def violations(tab: Page) -> list[tuple[str, list[str]]]:
    found = axe.run(tab).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def overflow(tab: Page) -> int:
    """Pixels by which the page or its log is wider than what is seen of it."""
    return tab.evaluate(
        """Math.max(...[document.documentElement, document.querySelector("[role=log]")]
            .map((element) => element.scrollWidth - element.clientWidth))"""
    )


# What only a browser does


def test_a_page_on_another_port_brings_the_cookie_and_is_refused(
    tab: Page, page_server: Server
) -> None:
    # A page on another port is of the same site, so SameSite=Lax does not help.
    log_in(tab, page_server.http)
    status(tab, "Connected")
    target = f"ws://127.0.0.1:{page_server.port}/ws"
    with Server(APPS / "holding.py") as evil:
        tab.goto(f"{evil.http}/opened")
        refused = tab.evaluate(CONNECT, [target])
        with Server(CHAPTER / "app.py", env={"ALLOWED_ORIGINS": evil.http}) as listing:
            let_in = tab.evaluate(CONNECT, [f"ws://127.0.0.1:{listing.port}/ws"])

    assert [(seen["type"], seen.get("code")) for seen in refused] == [("close", 1006)]
    assert let_in[1]["data"] == "Hello, Anonymous!"


@pytest.mark.parametrize(("path", "kinds"), [("/silent", []), ("/choosing", ["open"])])
def test_a_browser_leaves_when_no_subprotocol_comes_back(
    tab: Page, path: str, kinds: list[str]
) -> None:
    with Server(APPS / "accepting.py") as server:
        tab.goto(f"{server.http}/docs-of-nobody")
        seen = tab.evaluate(CONNECT, [f"ws://127.0.0.1:{server.port}{path}", ["chat"]])

    assert [event["type"] for event in seen] == [*kinds, "close"]
    assert seen[-1]["code"] == (1000 if kinds else 1006)


def test_a_browser_hears_nothing_of_1008_before_accept(
    tab: Page, page_server: Server
) -> None:
    tab.goto(page_server.http)
    seen = tab.evaluate(CONNECT, [f"ws://127.0.0.1:{page_server.port}/ws"])

    (close,) = seen
    assert (close["type"], close["code"]) == ("close", 1006)
    assert (close["reason"], close["wasClean"]) == ("", False)
    line = '"WebSocket /ws" 403'
    wait_until(lambda: line in page_server.log, "the refusal is logged")


def test_a_client_that_sets_the_cookie_by_itself_still_works(
    page_server: Server,
) -> None:
    with page_server.connect("ana", "/ws?username=ana", headers=COOKIE) as ana:
        ana.expect("Hello, ana!")
