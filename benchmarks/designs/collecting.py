"""Chapter 4, which writes down for how long its garbage collector has worked.

COLLECTED names the file. HELD_BACK, if it is set, is how many objects more than before
there may be until the collector looks: Python 3.11 has 700.
"""

import gc
import os
import time
from typing import Any

from chapters.ch04_broadcast.app import app

__all__ = ["app"]

FILE = os.open(os.environ["COLLECTED"], os.O_WRONLY)

start = total = 0.0


def watch(phase: str, _: dict[str, Any]) -> None:
    global start, total
    if phase == "start":
        start = time.thread_time()
    else:
        total += time.thread_time() - start
        os.pwrite(FILE, f"{total:015.9f}".encode(), 0)


gc.callbacks.append(watch)

if held_back := os.environ.get("HELD_BACK"):
    gc.set_threshold(int(held_back))
