"""More and more memory, in C, which lets nothing else run.

got: your program held more than
hint: too big, or grows without end
"""

import itertools

held = list(itertools.count())
