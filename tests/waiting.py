"""Waits for what nobody tells: something in a server, or in another process."""

import time
from collections.abc import Callable

DEADLINE = 60.0
"""Seconds; it takes milliseconds."""


def wait_until(true: Callable[[], object], what: str, within: float = DEADLINE) -> None:
    """Look until this is true; the test fails when it is not in so many seconds."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not in {within:g} s: {what}"
        time.sleep(0.001)  # until the next look
