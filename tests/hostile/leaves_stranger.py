"""It hangs, and leaves a daemon that has another environment.

needs: linux
limit: start 3
got: nothing for 3 s: the file was still being imported
look at: time.sleep(1000)
hint: never ends
"""

import os
import subprocess
import time

from shouting import app as app

if os.fork() == 0:
    subprocess.Popen(
        ["sleep", os.environ["HOSTILE"]],
        env={"PATH": os.environ["PATH"]},
        cwd="/",
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os._exit(0)

time.sleep(1000)
