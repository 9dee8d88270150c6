"""The terminal's window: single keys from it, a whole screen of rows to it."""

import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

from rich.text import Text

from workbook import terminal

NAMES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    " ": "page down",
    "\x1b": "back",
    "\x04": "q",  # Ctrl-D
}
"""Keys that send more than a letter, or stand for another one."""

KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO.|.", re.DOTALL)
"""One key in what a terminal sends."""


def is_there() -> bool:
    """Whether both keys and a screen can be had."""
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return sys.stdin.isatty() and sys.stdout.isatty() and not dumb


class Keyboard:
    """Single keys, without Enter. Leaving gives the terminal back as it was.

    Args:
        put: is given each key in another thread: a letter, or one of NAMES; None
            when the terminal has gone.
    """

    def __init__(self, put: Callable[[str | None], None]) -> None:
        self._put = put
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> Self:
        self._begin()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(1)
        self._restore()

    def _wait(self) -> None:
        try:
            while not self._stop.is_set():
                for key in KEY.findall(self._read()):
                    self._put(NAMES.get(key, key.lower()))
        except (OSError, EOFError):
            self._put(None)

    if sys.platform == "win32":

        def _begin(self) -> None:
            pass

        def _restore(self) -> None:
            pass

        def _read(self) -> str:
            import msvcrt

            if not msvcrt.kbhit():
                self._stop.wait(0.05)
                return ""
            key = msvcrt.getwch()
            if key not in ("\x00", "\xe0"):
                return key
            special = {"H": "\x1b[A", "P": "\x1b[B", "I": "\x1b[5~", "Q": "\x1b[6~"}
            return special.get(msvcrt.getwch(), "")

    else:

        def _begin(self) -> None:
            import termios
            import tty

            self._input = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._input)
            tty.setcbreak(self._input)  # single keys, and Ctrl-C as ever
            mode = termios.tcgetattr(self._input)
            # Ctrl-Z would leave our screen and our keys to the shell.
            mode[6][termios.VSUSP] = b"\x00"
            termios.tcsetattr(self._input, termios.TCSANOW, mode)

        def _restore(self) -> None:
            import termios

            with suppress(termios.error):  # the terminal has gone
                termios.tcsetattr(self._input, termios.TCSAFLUSH, self._before)

        def _read(self) -> str:
            import select

            if not select.select([self._input], [], [], 0.1)[0]:
                return ""
            keys = os.read(self._input, 64)
            if not keys:
                raise EOFError
            return keys.decode("utf-8", "replace")


class Screen:
    """The whole window, for as long as the `with` lasts; then it is as it was."""

    def __init__(self) -> None:
        self._console = terminal.make_console()
        self._last = ""

    def __enter__(self) -> Self:
        self._write("\x1b[?1049h\x1b[?25l")  # the other buffer, no cursor
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal has gone
            self._write("\x1b[?25h\x1b[?1049l")

    @property
    def size(self) -> tuple[int, int]:
        """The window's columns and rows now."""
        try:
            return os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            return (terminal.WIDTH, 24)

    def draw(self, rows: Sequence[Text]) -> None:
        """Show these rows from the top, cut to the window."""
        width, height = self.size
        self._console.width = width
        lines: list[str] = []
        for row in rows[:height]:
            line = row.copy()
            line.truncate(width, overflow="ellipsis")
            with self._console.capture() as drawn:
                self._console.print(line, end="")
            lines.append(drawn.get())
        frame = "\x1b[K\n".join(lines) + "\x1b[K"
        if frame != self._last:
            self._write(f"\x1b[H{frame}\x1b[J")
        self._last = frame

    def forget(self) -> None:
        """Draw all of it the next time: the window is another one now."""
        self._last = ""

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def page(
    head: Sequence[Text],
    body: Sequence[Text],
    foot: Sequence[Text],
    height: int,
    scroll: int,
) -> tuple[list[Text], int]:
    """Put a body that may be long between a head and a foot that stay.

    Args:
        head: the rows above.
        body: as many rows as there are.
        foot: the rows below, at the window's end.
        height: rows of the window.
        scroll: rows of the body to leave out from its top.

    Returns:
        The rows, and the scroll that was possible.
    """
    room = max(1, height - len(head) - len(foot))
    if len(body) <= room:
        filler = [Text()] * (room - len(body))
        return [*head, *body, *filler, *foot], 0
    room = max(1, room - 1)  # one row says that there is more
    scroll = max(0, min(scroll, len(body) - room))
    below = len(body) - room - scroll
    more = f"  ↓ {below} more line{'s' if below != 1 else ''}: space, or the arrow keys"
    if not below:
        more = "  ↑ the arrow keys go back up"
    return [*head, *body[scroll : scroll + room], Text(more, "dim"), *foot], scroll
