"""A real Chromium, and an app for it to look at: what the tests of the pages share.

Only a maintainer has Playwright (requirements-dev.txt), so nothing here imports it
before a test asks for it, and the tests of the pages are skipped without it. Where
the environment says CI they fail instead: nobody would read the reason there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

ROOT = Path(__file__).parents[1]

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

DEADLINE = 20.0
"""Seconds that a page may take to show what a test waits for."""

SERVE = """
import os, socket, sys, threading
import uvicorn

def end_with_parent():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end_with_parent, daemon=True).start()
listener = socket.socket(fileno=int(sys.argv[2]))
uvicorn.Server(uvicorn.Config(sys.argv[1], log_level="warning")).run([listener])
"""


def skip_or_fail(missing: str, command: str) -> NoReturn:
    """Skip the tests of the pages, or fail them where CI runs them."""
    reason = f"{missing} is missing; to install it: {command}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def import_or_skip(name: str) -> ModuleType:
    """A module of requirements-dev.txt."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        install = f'"{sys.executable}" -m pip install'
        if importlib.util.find_spec("pip") is None:  # an environment that uv has made
            install = f'uv pip install --python "{sys.executable}"'
        skip_or_fail(name.partition(".")[0], f"{install} -r requirements-dev.txt")


def find_chromium(playwright: Playwright) -> str:
    """The Chromium of the environment, of the system, or Playwright's own."""
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), ""
    )
    own = playwright.chromium.executable_path
    if not found and not Path(own).exists():
        command = f'"{sys.executable}" -m playwright install chromium'
        skip_or_fail("Chromium", f"{command} (or set CHROMIUM to its path)")
    return found or own


# Of a module and not of the session: while Playwright's synchronous API is in use an
# event loop counts as running in this thread, and no asynchronous test could run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium for which there is no machine but this one."""
    with import_or_skip("playwright.sync_api").sync_playwright() as playwright:
        here = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
        browser = playwright.chromium.launch(
            executable_path=find_chromium(playwright),
            timeout=60_000,  # milliseconds
            args=["--disable-gpu", f"--host-resolver-rules={here}"],
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Page]:
    """A new tab that shares nothing with others; its script must not raise."""
    context = chromium.new_context()
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


class MortalServer:
    """An app on a uvicorn that can be killed, and started again on the same port.

    It answers from `start()` on: the socket listens before the child begins, and what
    comes meanwhile waits in its queue. After `kill()` the port refuses connections,
    yet nobody else is given it.

    Args:
        app: such as "chapters.ch01_echo.app:app".
    """

    def __init__(self, app: str) -> None:
        self.app = app
        self._child: subprocess.Popen[bytes] | None = None
        self._holder = self._bind(0)
        self.port: int = self._holder.getsockname()[1]
        self.http = f"http://127.0.0.1:{self.port}"

    def _bind(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port))
        return listener

    def start(self) -> None:
        with self._bind(self.port) as listener:
            listener.listen()
            self._child = subprocess.Popen(
                [sys.executable, "-c", SERVE, self.app, str(listener.fileno())],
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                cwd=ROOT,
            )

    def kill(self) -> None:
        """End the process as a power cut would: no close frame, no goodbye."""
        if self._child is not None:
            with self._child:
                self._child.kill()
            self._child = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._holder.close()
