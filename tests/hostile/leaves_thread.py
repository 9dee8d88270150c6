"""It answers right, and a thread goes on.

limit: reply 3
got: s: it still ran
look at: time.sleep(1000)
hint: Who ends it?
"""

import threading
import time

from shouting import app as app


def work() -> None:
    time.sleep(1000)


threading.Thread(target=work).start()
