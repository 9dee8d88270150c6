"""It loops, and leaves a daemon that has another environment.

got: nothing for 2 s: the file was still being imported
look at: while True:
hint: never ends
"""

import os
import subprocess

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

while True:
    pass
