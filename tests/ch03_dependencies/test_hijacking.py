"""Cross-site WebSocket hijacking: somebody else's page, in ana's browser, as ana.

For real: ana logs in by the form. Then she opens eve's page in another tab. It comes
from another port, so from another origin, and opens a socket to ana's server.

What the browser sends along is decided by site, not by origin, and a site has no port:
http://127.0.0.1:1 and http://127.0.0.1:2 are two origins of one site, so SameSite=Lax
lets the cookie go. http://localhost:2 is another site.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from tests.browser import DEADLINE, ROOT, import_or_skip
from tests.waiting import wait_until
from workbook.server import Server
from workbook.threaded import ThreadedServer

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

expect = import_or_skip("playwright.sync_api").expect
expect.set_options(timeout=DEADLINE * 1000)

APPS = Path(__file__).with_name("apps")
NOTEBOOK = ROOT / "notebooks" / "sources" / "ch03_dependencies.py"

LURE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>You have won</title>
<link rel="icon" href="data:,">
<ol id="by-socket"></ol>
<ol id="by-fetch"></ol>
<script type="module">
  const target = new URLSearchParams(location.search).get("target");
  const tell = (list, line) => {
    const item = document.createElement("li");
    item.textContent = line;
    document.querySelector(list).append(item);
  };

  const url = new URL("/ws?username=ana", target.replace(/^http/, "ws"));
  const socket = new WebSocket(url);
  let read = 0;
  socket.addEventListener("message", ({ data }) => {
    tell("#by-socket", `read: ${data}`);
    if (++read === 1) socket.send("pay eve");
    else socket.close(1000);
  });
  socket.addEventListener("close", ({ code }) => tell("#by-socket", `closed: ${code}`));

  fetch(new URL("/me?username=ana", target), { credentials: "include" }).then(
    async (answer) => tell("#by-fetch", `read: ${await answer.text()}`),
    (error) => tell("#by-fetch", `failed: ${error.name}`),
  );
</script>
"""
"""Eve's page. It tries what it can, and writes down what it gets."""

REFUSAL = "Error during WebSocket handshake: Unexpected response code: 403"
"""What Chromium writes into the console of a page that was refused."""

eve = FastAPI(title="eve")


@eve.get("/")
async def lure() -> HTMLResponse:
    return HTMLResponse(LURE)


@pytest.fixture(scope="module")
def eves_server() -> Iterator[ThreadedServer]:
    with ThreadedServer(eve) as server:
        yield server


@pytest.fixture(scope="module")
def naive() -> Iterator[Server]:
    with Server(APPS / "naive.py") as server:
        yield server
        assert "Traceback" not in server.log


def log_in(tab: Page, url: str) -> None:
    tab.goto(url)
    tab.get_by_label("Token").fill("SECRET_API_TOKEN")
    tab.get_by_role("button", name="Log in").click()
    expect(tab.get_by_role("status")).to_have_text("Connected")


def be_refused(page: Page, url: str) -> None:
    """Open a page that tries, and wait until the console says that it was refused."""
    with page.expect_console_message(lambda said: said.text.endswith(REFUSAL)):
        page.goto(url)


def what_it_got(page: Page, by: str) -> Locator:
    return page.locator(f"#by-{by} li")


def test_a_naive_app_lets_eves_page_read_and_write_as_ana(
    tab: Page, naive: Server, eves_server: ThreadedServer
) -> None:
    log_in(tab, naive.http)

    page = tab.context.new_page()
    page.goto(f"{eves_server.http}/?target={naive.http}")

    read = ["read: Hello, ana!", "read: Message text was: pay eve", "closed: 1000"]
    expect(what_it_got(page, "socket")).to_have_text(read)
    # HTTP has a rule for this, CORS: the answer came, the page may not read it.
    expect(what_it_got(page, "fetch")).to_have_text(["failed: TypeError"])
    assert_quoted(read)


def test_the_chapters_app_refuses_eves_page_and_not_ana(
    server: Server, tab: Page, eves_server: ThreadedServer
) -> None:
    log_in(tab, server.http)

    page = tab.context.new_page()
    be_refused(page, f"{eves_server.http}/?target={server.http}")

    expect(what_it_got(page, "socket")).to_have_text(["closed: 1006"])
    expect(what_it_got(page, "fetch")).to_have_text(["failed: TypeError"])
    line = '"WebSocket /ws?username=ana" 403'
    wait_until(lambda: line in server.log, "the refusal is logged")
    tab.get_by_role("button", name="Reconnect").click()
    expect(tab.get_by_role("log").locator(".received")).to_have_count(2)
    assert_quoted(["closed: 1006", REFUSAL])


def test_a_page_of_another_site_does_not_get_the_cookie(
    tab: Page, naive: Server, eves_server: ThreadedServer
) -> None:
    log_in(tab, naive.http)
    page = tab.context.new_page()
    reasons = watch_cookies(page)
    be_refused(page, f"http://localhost:{eves_server.port}/?target={naive.http}")

    # Nobody looked at Origin: the cookie was not there.
    expect(what_it_got(page, "socket")).to_have_text(["closed: 1006"])
    # Chromium gives its reasons for the fetch, which is of the same two sites.
    expect(what_it_got(page, "fetch")).to_have_text(["failed: TypeError"])
    deadline = time.monotonic() + DEADLINE
    while not any(reason.endswith("SameSiteLax") for reason in reasons):
        assert time.monotonic() < deadline, reasons
        page.wait_for_timeout(1)  # Chromium tells its reasons when it likes


def watch_cookies(page: Page) -> list[str]:
    """Why cookies do not go along with what the page asks for from now on."""
    reasons: list[str] = []

    def note(request: dict[str, Any]) -> None:
        for cookie in request["associatedCookies"]:
            reasons.extend(cookie["blockedReasons"])

    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSentExtraInfo", note)
    return reasons


def assert_quoted(lines: list[str]) -> None:
    """The notebook tells what eve's page got in these very words."""
    source = NOTEBOOK.read_text("utf-8").splitlines()
    told = [line.removeprefix("#").strip() for line in source]
    assert [line for line in lines if line not in told] == []
