"""Its function exits.

got: SystemExit
look at: sys.exit()
"""

import sys


def double(number: int) -> int:
    sys.exit()
