"""It sleeps when it is imported.

got: nothing for 2 s: the file was still being imported
look at: time.sleep(1000)
hint: never ends
"""

import time

from shouting import app as app

time.sleep(1000)
