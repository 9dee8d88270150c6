"""It exits when it is imported.

got: SystemExit
look at: sys.exit()
hint: ends the program
"""

import sys

from shouting import app as app

sys.exit()
