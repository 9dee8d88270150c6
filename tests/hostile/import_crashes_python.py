"""It crashes the interpreter.

needs: posix
got: your program ended by itself (SIGSEGV)
hint: Python itself crashed
"""

import ctypes

ctypes.string_at(0)
