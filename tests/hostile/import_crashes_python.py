"""It crashes the interpreter.

got: your program ended by itself (SIGSEGV)
hint: Python itself crashed
"""

import ctypes

from shouting import app as app

ctypes.string_at(0)
