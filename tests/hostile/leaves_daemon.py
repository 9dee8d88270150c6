"""It answers right, and leaves a daemon that has forgotten everything.

needs: posix
got: what it had started still ran: a copy of your program
hint: Who ends that one?
"""

import os
import time

from shouting import app as app

if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.chdir("/")
    os.environ.clear()
    os.closerange(0, 256)
    time.sleep(1000)
