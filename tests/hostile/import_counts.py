"""More and more memory, in C, which lets nothing else run.

got: more than 600 MiB
hint: too big, or grows without end
"""

import itertools

held = list(itertools.count())
