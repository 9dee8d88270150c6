"""One operation in C, which lets nothing else run.

limit: start 2
got: nothing for 2 s: one operation keeps Python itself busy
hint: a hard pattern
"""

import re

re.match(r"(a+)+$", "a" * 64 + "b")
