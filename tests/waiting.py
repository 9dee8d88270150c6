"""Waits for what nobody tells: something on the server's side."""

import time
from collections.abc import Callable

DEADLINE = 60.0
"""Seconds; it takes milliseconds."""


def wait_until(true: Callable[[], object], what: str) -> None:
    """Look until this is true; the test fails when it is not in time."""
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, f"not in {DEADLINE:g} s: {what}"
        time.sleep(0.001)  # until the next look
