"""It exits when it is imported, and nothing can catch it.

got: your program ended by itself (exit status 0)
look at: os._exit(0)
hint: ends the whole program
"""

import os

os._exit(0)
