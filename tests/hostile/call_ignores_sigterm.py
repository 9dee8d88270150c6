"""Its function is right, and its file does not listen to who tells it to stop.

needs: posix
got: does not listen to SIGTERM
hint: Leave it to uvicorn
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)


def double(number: int) -> int:
    return number * 2
