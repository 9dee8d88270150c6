"""One operation in C, which lets nothing else run.

got: nothing for 2 s: one operation keeps Python itself busy
hint: a hard pattern
"""

import re

from shouting import app as app

re.match(r"(a+)+$", "a" * 64 + "b")
