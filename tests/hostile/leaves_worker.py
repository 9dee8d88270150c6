"""It answers right, and a process of multiprocessing goes on.

needs: posix
limit: reply 3
got: it still ran, and so did: a copy of your program
hint: Who ends that one?
"""

import multiprocessing
import time

from shouting import app as app

if __name__ != "__mp_main__":
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,)).start()
