"""It closes every file descriptor.

needs: posix
got: your program closed what the server needs
look at: os.closerange(0, 256)
hint: Close only what you opened
"""

import os

from shouting import app as app

os.closerange(0, 256)
