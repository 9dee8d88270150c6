"""Its function is right, and leaves a process behind.

needs: posix
got: what it had started still ran: sleep 1000.
hint: Who ends that one?
"""

import os
import subprocess


def double(number: int) -> int:
    subprocess.Popen(["sleep", os.environ["HOSTILE"]])
    return number * 2
