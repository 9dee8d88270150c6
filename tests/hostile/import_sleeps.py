"""It sleeps when it is imported.

limit: start 3
got: nothing for 3 s: the file was still being imported
look at: time.sleep(1000)
hint: never ends
"""

import time

time.sleep(1000)
